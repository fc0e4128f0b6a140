import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from core.view.images import gallery
from core.view.images.gallery import COLUMNS, Tile


def decoded(address: str) -> np.ndarray:
    kind, content = address.split(",")
    assert kind == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))


@pytest.mark.parametrize("count", [1, 12, 13, 60])
def test_a_sprite_holds_every_image_without_loss(embedded, count):
    images = embedded.train_images[:count]
    sheet = decoded(gallery.sprite(images))
    assert sheet.shape == (-(-count // COLUMNS) * 32, COLUMNS * 32, 3)
    for i, image in enumerate(images):
        top, left = 32 * (i // COLUMNS), 32 * (i % COLUMNS)
        assert (sheet[top : top + 32, left : left + 32] == image.transpose(1, 2, 0)).all()


def test_noise_is_clipped_for_the_eye_only():
    noise = np.array([-20.0, 300.0, 127.6], dtype=np.float32).reshape(1, 3, 1, 1)
    kept = noise.copy()
    assert decoded(gallery.sprite(noise))[0, 0].tolist() == [0, 255, 128]
    assert (noise == kept).all()


def test_each_tile_shows_its_own_part_of_the_sprite():
    page = gallery.tiles("g", [Tile(str(i)) for i in range(30)])
    places = re.findall(r"background-position: ([\d.]+)% ([\d.]+)%", page)
    assert len(places) == 30
    # A position of x% puts column x% of (COLUMNS - 1) into view.
    columns = [round(float(x) / 100 * (COLUMNS - 1)) for x, _ in places]
    rows = [round(float(y) / 100 * 2) for _, y in places]
    assert [(r * COLUMNS + c) for r, c in zip(rows, columns, strict=True)] == list(range(30))


def test_wrong_tiles_are_marked_and_every_tile_has_words():
    page = gallery.tiles("g", [gallery.label_tile("dog", "cat"), Tile("cat")])
    assert page.count('class="wrong"') == 1 and "is: cat" in page
    assert 'aria-label="a cat, wrongly labeled dog"' in page and 'aria-label="cat"' in page


def test_words_are_never_markup():
    assert "<script>" not in gallery.tiles("g", [Tile("<script>", '"><script>', False, '"<script>')])


def test_a_tile_with_its_label_is_marked_where_the_label_is_wrong():
    right, wrong = gallery.label_tile("cat", "cat"), gallery.label_tile("dog", "cat")
    assert (right.is_wrong, wrong.is_wrong) == (False, True) and "rightly" in right.description
