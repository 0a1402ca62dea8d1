"""What JPEG does to a picture, without writing one: the same blocks, tables and rounding, numpy only."""

from __future__ import annotations

import numpy as np

# ITU-T T.81, annex K
LUMINANCE = np.array([
    [16, 11, 10, 16, 24, 40, 51, 61], [12, 12, 14, 19, 26, 58, 60, 55], [14, 13, 16, 24, 40, 57, 69, 56],
    [14, 17, 22, 29, 51, 87, 80, 62], [18, 22, 37, 56, 68, 109, 103, 77], [24, 35, 55, 64, 81, 104, 113, 92],
    [49, 64, 78, 87, 103, 121, 120, 101], [72, 92, 95, 98, 112, 100, 103, 99],
], np.float32)  # fmt: skip
CHROMINANCE = np.full((8, 8), 99, np.float32)
CHROMINANCE[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]
TO_YCC = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32)
TO_RGB = np.linalg.inv(TO_YCC).astype(np.float32)
BLOCK = 16  # pixels after which blocks of luminance and of halved colour both repeat


def through_jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    """A uint8 picture (3, rows, columns) as it comes out of a baseline JPEG of this quality (1..100), colour halved."""
    _, rows, columns = picture.shape
    padded = np.pad(picture, ((0, 0), (0, -rows % BLOCK), (0, -columns % BLOCK)), mode="edge").astype(np.float32)
    luma, *chroma = np.tensordot(TO_YCC, padded, axes=1)
    luma = _rounded(luma - 128.0, _table(LUMINANCE, quality)) + 128.0
    halved = [_doubled(_rounded(_halved(band), _table(CHROMINANCE, quality))) for band in chroma]
    out = np.tensordot(TO_RGB, np.stack([luma, *halved]), axes=1)[:, :rows, :columns]
    return np.clip(np.rint(out), 0, 255).astype(np.uint8)


def _table(base: np.ndarray, quality: int) -> np.ndarray:
    """The table as the IJG library scales it."""
    scale = 5000 / quality if quality < 50 else 200 - 2 * quality
    return np.clip(np.floor((base * scale + 50) / 100), 1, 255).astype(np.float32)


def _cosines() -> np.ndarray:
    k = np.arange(8)
    basis = np.cos(np.pi * (2 * k[None, :] + 1) * k[:, None] / 16) / 2
    basis[0] /= np.sqrt(2)
    return basis.astype(np.float32)


def _rounded(band: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Every block of 8 x 8 with its cosine coefficients rounded to the table."""
    rows, columns = band.shape
    basis = _cosines()
    blocks = band.reshape(rows // 8, 8, columns // 8, 8).swapaxes(1, 2)
    coefficients = np.rint(basis @ blocks @ basis.T / table) * table
    return (basis.T @ coefficients @ basis).swapaxes(1, 2).reshape(rows, columns)


def _halved(band: np.ndarray) -> np.ndarray:
    rows, columns = band.shape
    return band.reshape(rows // 2, 2, columns // 2, 2).mean(axis=(1, 3))


def _doubled(band: np.ndarray) -> np.ndarray:
    """Twice the size, three quarters of the nearest and one of the next pixel, as decoders do."""
    for axis in (0, 1):
        band = np.moveaxis(band, axis, 0)
        padded = np.concatenate([band[:1], band, band[-1:]])
        near, before, after = padded[1:-1] * 0.75, padded[:-2] * 0.25, padded[2:] * 0.25
        band = np.moveaxis(np.stack([near + before, near + after], axis=1).reshape(-1, band.shape[1]), 0, axis)
    return band
