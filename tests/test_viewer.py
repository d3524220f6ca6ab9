"""The player and its page: what is embedded decodes to what was given, and nothing points outside."""

import base64
import json
import re
import shutil
import subprocess
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from helpers.pages import Page, check_page, unpack_keypoints
from PIL import Image

from gymskel import viewer
from gymskel.recording import Recording
from gymskel.simulate import simulate_recording
from gymskel.viewer.html_page import read_asset
from gymskel.viewer.player import _percent

RNG = np.random.default_rng(0)


def picture(uri: str) -> np.ndarray:
    return np.array(Image.open(BytesIO(base64.b64decode(uri.partition(",")[2]))))


@pytest.fixture(scope="module")
def recording() -> Recording:
    one = simulate_recording("backflip", fps=30)
    keypoints = one.keypoints.copy()
    keypoints[3, 4] = np.nan, np.nan, 0
    keypoints[5, 6, 2] = 0  # filled in
    return replace(one, keypoints=keypoints)


# --- packing ------------------------------------------------------------------------------------------------


def test_packing_keeps_places_to_half_a_step(recording):
    packed = viewer.pack_keypoints(recording)
    back = unpack_keypoints(json.loads(json.dumps(packed)))
    assert back.shape == recording.keypoints.shape
    np.testing.assert_array_equal(np.isnan(back), np.isnan(recording.keypoints))
    assert np.nanmax(np.abs(back[..., :2] - recording.xy)) <= 0.51 * packed["scale"] + 1e-4
    assert packed["scale"] < 0.05  # pixels
    np.testing.assert_allclose(back[..., 2], recording.confidence.clip(0, 1), atol=1 / 509)
    assert (back[..., 2] > 0).sum() == (recording.confidence > 0).sum()


def test_packing_nobody_and_a_point():
    nobody = Recording(np.full((2, 25, 3), [np.nan, np.nan, 0]))
    assert np.isnan(unpack_keypoints(viewer.pack_keypoints(nobody))[..., :2]).all()
    faint = Recording(np.full((2, 25, 3), [7, 8, 0.0001]))
    back = unpack_keypoints(viewer.pack_keypoints(faint))
    assert back[0, 0].tolist() == pytest.approx([7, 8, 1 / 255])


# --- the page -----------------------------------------------------------------------------------------------


def test_the_page_holds_what_was_given(recording):
    states = np.tanh(RNG.normal(size=(8, 3)))
    states = np.concatenate([states, np.full((2, 3), np.nan)])
    weights = RNG.normal(size=(6, 25))
    weights[:, 20:] = np.nan
    share = np.linspace(0, 1, len(recording))
    share[:4] = np.nan
    page = check_page(
        viewer.view(
            recording, strip=states, weights=weights, probabilities={"backflip": share, "b & <c>": 1 - share}
        ).html
    )
    clip = page.data["player-data"]
    back = unpack_keypoints(clip["keypoints"])
    assert np.nanmax(np.abs(back[..., :2] - recording.xy)) <= 0.51 * clip["keypoints"]["scale"] + 1e-4
    assert clip["fps"] == 30
    assert [recording.skeleton.joints[j] for j in clip["limbs"][0]] == list(recording.skeleton.limbs[0])
    assert clip["sides"][recording.skeleton.index("LKnee")] == "left"
    told = np.array(clip["probabilities"]["values"], float) / 1000
    np.testing.assert_allclose(told[0], np.round(share, 3), atol=5e-4)
    strip, counted = (picture(track["src"]) for track in clip["tracks"])
    s = (states[:8] + 1) / 2  # the published rule
    expected = np.stack([255 * (1 - s), 255 * s, np.full_like(s, 128)], axis=-1).astype(np.uint8)
    np.testing.assert_array_equal(strip[::4, ::4], expected.swapaxes(0, 1))
    assert counted.shape == (20 * 4, 6 * 4, 3)  # joints that count nothing known have no row
    shares = np.frombuffer(base64.b64decode(clip["weights"]["shares"]), np.int8).reshape(6, 25)
    assert np.abs(shares).max() == 127
    assert (shares[:, 20:] == 0).all()
    assert (np.sign(shares[:, :20]) == np.sign(weights[:, :20]))[np.abs(shares[:, :20]) > 0].all()
    green = counted[::4, ::4].swapaxes(0, 1)[..., 1].astype(int) - counted[::4, ::4].swapaxes(0, 1)[..., 0]
    assert (green[weights[:, :20] > 0.1] > 0).all()
    assert "b & <c>" in page.text


def test_final_probabilities_stand_in_the_corner(recording):
    page = check_page(viewer.view(recording, probabilities={"low": 0.1, "high": 0.9}).html)
    assert "high 90 %" in page.text
    assert page.text.index("high 90 %") < page.text.index("low 10 %")


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")
def test_python_and_the_browser_round_percent_alike():
    percent = re.search(r"const percent = .*?;\n", read_asset("player.js"), re.DOTALL)[0]
    code = f"{percent} console.log(JSON.stringify([...Array(1001).keys()].map(percent)))"
    done = subprocess.run(["node", "-e", code], capture_output=True, check=True, text=True)
    assert json.loads(done.stdout) == [_percent(thousandths) for thousandths in range(1001)]


def test_a_keyboard_reaches_everything(recording):
    page = check_page(viewer.view(recording).html)
    labels = [attrs["aria-label"] for attrs in page.all("button")]
    assert labels == ["Play", "One frame back", "One frame forward"]
    assert page.all("input")[0]["type"] == "range"
    assert page.all("input")[0]["max"] == str(len(recording) - 1)
    assert not [attrs for _, attrs in page.elements if int(attrs.get("tabindex", 0)) > 0]


def test_times_are_kept(recording):
    times = np.cumsum(np.linspace(0.01, 0.05, len(recording)))
    clip = viewer.pack_clip(replace(recording, fps=None, timestamps=times))
    np.testing.assert_allclose(clip["times"], times, atol=1e-4)


def test_names_cannot_break_out_of_the_page(recording):
    odd = replace(recording, sample='</script><img src="http://x">', activity=None, athlete=None, video=None)
    page = Page(viewer.view(odd).html)
    assert not page.all("img")
    assert page.data["player-data"]["name"] == odd.name


def test_jupyter_gets_a_frame_of_its_own(recording, tmp_path):
    shown = viewer.view(recording)
    frame = Page(shown._repr_html_()).all("iframe")[0]
    assert frame["srcdoc"] == shown.html
    assert frame["sandbox"] == "allow-scripts"
    assert recording.name in frame["title"]
    saved = shown.save(tmp_path / "deeper" / "one.html")
    assert saved.read_text(encoding="utf-8") == shown.html
    with pytest.raises(ValueError, match=r"\.html.*one\.pdf"):
        shown.save(tmp_path / "one.pdf")
    assert recording.name in repr(shown)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"weights": np.zeros((3, 4))}, r"`weights`.*got \(3, 4\)"),
        ({"strip": np.full((3, 4), 2.0)}, r"\[-1, 1\]"),
        ({"probabilities": {"a": 0.5, "b": 1.5}}, r"`probabilities` of b .*\[0, 1\]"),
        ({"probabilities": {"a": np.nan}}, r"`probabilities` of a .*\[0, 1\]"),
        (
            {"probabilities": {"a": [0.5, 0.5]}},
            r"`probabilities`.*\(2,\)",
        ),
        ({"probabilities": {}}, r"`probabilities`.*none"),
    ],
)
def test_what_does_not_fit_is_refused(recording, given, message):
    with pytest.raises(ValueError, match=message):
        viewer.view(recording, **given)


def test_a_player_with_a_list(recording):
    clip = viewer.pack_clip(recording)
    html = viewer.render_page(
        "Two",
        viewer.render_player(clip, "any", choices={"one": "First", "two": "Second"}, data_key="one")
        + viewer.render_clip_data(clip, "one")
        + viewer.render_clip_data(clip, "two"),
    )
    page = check_page(html)
    assert [option["value"] for option in page.all("option")][:2] == ["one", "two"]
