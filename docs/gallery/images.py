"""Images with a title, below and beside each other."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont


def with_title(image: Image.Image, title: str, size: int = 14) -> Image.Image:
    """Return the image with a line of text above it."""
    font = ImageFont.load_default(size)
    width = max(image.width, int(font.getlength(title)) + 1)
    made = Image.new("RGB", (width, image.height + size + 8), "white")
    ImageDraw.Draw(made).text((0, 0), title, "black", font)
    made.paste(image, (0, size + 8))
    return made


def below(images: list[Image.Image], gap: int = 14) -> Image.Image:
    """Return the images below each other, left edges aligned."""
    size = max(i.width for i in images), sum(i.height + gap for i in images) - gap
    made, top = Image.new("RGB", size, "white"), 0
    for image in images:
        made.paste(image, (0, top))
        top += image.height + gap
    return made


def beside(images: list[Image.Image], gap: int = 24) -> Image.Image:
    """Return the images beside each other, upper edges aligned."""
    turned = [image.transpose(Image.Transpose.TRANSPOSE) for image in images]
    return below(turned, gap).transpose(Image.Transpose.TRANSPOSE)
