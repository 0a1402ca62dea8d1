"""Write docs/algorithms/*.md from the algorithms themselves, so that the pages cannot drift. Run by `make pages`."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs" / "algorithms"
MADE = "<!-- Made by `make pages` from the algorithm: change its help, not this page. -->"


def page(algorithm):
    """Markdown of one algorithm: what it does, parameters, outputs, and how to call it."""
    lines = [
        f"# {algorithm.displayName()}",
        "",
        MADE,
        "",
        f"`{algorithm.id()}`",
        "",
        algorithm.shortHelpString(),
        "",
        "## Parameters",
        "",
    ]
    lines += ["| key | what | help |", "|---|---|---|"]
    lines += [f"| `{p.name()}` | {p.description()}{_about(p)} | {p.help()} |" for p in algorithm.parameterDefinitions()]
    lines += ["", "## Outputs", "", "| key | what |", "|---|---|"]
    lines += [f"| `{o.name()}` | {o.description()} |" for o in algorithm.outputDefinitions()]
    extra = PAGES / f"{algorithm.name()}.notes.md"
    if extra.is_file():
        lines += ["", extra.read_text("utf8").strip()]
    return "\n".join(lines) + "\n"


def _about(parameter):
    from qgis.core import QgsProcessingParameterDefinition, QgsProcessingParameterEnum

    about = [parameter.type()]
    if parameter.flags() & QgsProcessingParameterDefinition.Flag.FlagOptional:
        about.append("optional")
    if isinstance(parameter, QgsProcessingParameterEnum):
        about.append(" / ".join(parameter.options()))
    default = parameter.defaultValue()
    if default not in (None, "", [], True):
        about.append(f"default {', '.join(default) if isinstance(default, list) else default}")
    return f" ({'; '.join(str(word) for word in about)})"


def pages():
    """{file name: text} of every algorithm of a registered provider."""
    from qgis.core import QgsApplication

    return {f"{a.name()}.md": page(a) for a in QgsApplication.processingRegistry().providerById("rason").algorithms()}


def main():
    """Write all pages."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from qgis.core import QgsApplication

    app = QgsApplication([], False)
    app.initQgis()
    sys.path.append(str(ROOT / "bench"))
    from checkout import load_rason

    load_rason()
    from rason.processing.provider import RasonProvider

    provider = RasonProvider()
    QgsApplication.processingRegistry().addProvider(provider)
    PAGES.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (PAGES / name).write_text(text, "utf8")
    QgsApplication.processingRegistry().removeProvider(provider)
    app.exitQgis()


if __name__ == "__main__":
    sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() not in (ROOT, ROOT / "tools")]
    main()
