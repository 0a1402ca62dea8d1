"""Write i18n/rason.ts: every string that a translator may put into another language. Run by `make i18n`.

It holds the texts of ``tr()``, and the templates of the refusals of engine, layers and processing, which know nothing of Qt and are
translated where they are shown (processing/base.py). A refusal made of an f-string cannot be translated: `make i18n` counts these.
To add a language: copy the file to i18n/rason_LANGUAGE.ts, translate it in Qt Linguist, and run `lrelease` on it.
"""

import ast
import sys
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "i18n" / "rason.ts"
ROOMS = ("engine", "layers", "processing", "ui")
CONTEXT = "Rason"  # as processing/base.py has it
REFUSALS = {"Refusal", "TooCoarse", "NoAcquisitionTime", "MissingLibrary"}
HEAD = '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE TS>\n<TS version="2.1" sourcelanguage="en">\n'


def called(call):
    """Name of what is called: the last word before the bracket."""
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def strings(tree, context=CONTEXT):
    """(context, text) of every string of a file that can be translated, and (None, line) of every refusal that cannot."""
    for node in ast.iter_child_nodes(tree):
        # Qt gives the texts of its own objects, such as the toolbar, their class as context.
        own = isinstance(node, ast.ClassDef) and any(getattr(base, "id", "").startswith("Q") for base in node.bases)
        yield from strings(node, node.name if own and context != CONTEXT else context)
    if not isinstance(tree, ast.Call) or not tree.args:
        return
    name, texts = called(tree), [arg.value if isinstance(arg, ast.Constant) else None for arg in tree.args]
    if name in ("tr", "words") and isinstance(texts[0], str):
        yield context, texts[0]
    elif name == "translate" and len(texts) > 1 and all(isinstance(text, str) for text in texts[:2]):
        yield texts[0], texts[1]
    elif name in REFUSALS and isinstance(texts[0], str):
        yield CONTEXT, texts[0]
    elif name in REFUSALS and not (isinstance(tree.args[0], ast.Call) and "tr" in ast.unparse(tree.args[0]).split("(")[0]):
        yield None, tree.lineno


def collected():
    """{context: sorted texts}, and the places of the refusals that cannot be translated."""
    found, fixed = {}, []
    for path in sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        room = path.relative_to(ROOT).parts[0]
        for context, text in strings(ast.parse(path.read_text("utf8")), "" if room == "ui" else CONTEXT):
            if context is None:
                fixed.append(f"{path.relative_to(ROOT)}:{text}")
            else:
                found.setdefault(context, set()).add(text)
    return {context: sorted(texts) for context, texts in sorted(found.items())}, fixed


def page(found):
    """The text of i18n/rason.ts, from {context: texts}."""
    lines = [HEAD]
    for context, texts in found.items():
        lines.append(f"<context>\n    <name>{context}</name>\n")
        lines += [
            f'    <message>\n        <source>{escape(text)}</source>\n        <translation type="unfinished"></translation>\n'
            "    </message>\n"
            for text in texts
        ]
        lines.append("</context>\n")
    return "".join([*lines, "</TS>\n"])


def main():
    """Write the file and say what it holds."""
    found, fixed = collected()
    PAGES.parent.mkdir(exist_ok=True)
    PAGES.write_text(page(found), "utf8")
    sys.stdout.write(
        f"{PAGES.relative_to(ROOT)}: {sum(map(len, found.values()))} strings; {len(fixed)} refusals stay English\n"
    )


if __name__ == "__main__":
    main()
