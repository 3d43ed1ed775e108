"""How the studio's page plays in a browser without a GPU, and how soon a motion is seen that is still being made.

    python tools/measure_page.py                # the shipped model, 640 × 480, Chromium's SwiftShader
    python tools/measure_page.py --seconds 8    # of the motion that is asked for

Frames a second are the pictures that the stage draws while two skinned people move with shadows.
One JSON object on standard output.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

SENTENCE = "The first person throws a punch and the second person ducks."
# Pictures a second that the stage draws, over so many milliseconds.
_DRAWN = """async (milliseconds) => {
    const drawn = () => Number(document.querySelector('canvas').dataset.rendered);
    const [first, began] = [drawn(), performance.now()];
    await new Promise((done) => setTimeout(done, milliseconds));
    return 1000 * (drawn() - first) / (performance.now() - began);
}"""


def measure(visit: Any, seconds: float, seed: int) -> dict[str, float]:
    """One motion: seconds until both people move on the screen and until it is whole, then frames a second of playing it."""
    visit.set(answer="motion", duration=str(seconds), seed=str(seed))
    visit.page.locator("#words").fill(SENTENCE)
    began = time.monotonic()
    visit.page.locator("#words").press("Enter")
    visit.page.wait_for_selector(".working")
    visit.until("document.querySelector('.stage-count').textContent.endsWith('…')")
    visit.until("Number(document.querySelector('canvas').dataset.frame) > 0")
    first = time.monotonic() - began
    visit.answered()
    whole = time.monotonic() - began
    return {"first": first, "whole": whole, "frames_per_second": visit.page.evaluate(_DRAWN, 4000)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--motions", type=int, default=5)
    parser.add_argument("--size", type=int, nargs=2, default=(640, 480), metavar=("WIDTH", "HEIGHT"))
    chosen = parser.parse_args()
    from app.running import Process
    from app.visit import Visit, chromium

    from vimotion.chat.model import SHIPPED

    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        server = Process(SHIPPED, Path(folder) / "kept")
        try:
            measured = []
            for seed in range(chosen.motions + 1):
                visit = Visit(browser, server.url, *chosen.size, reduced_motion="no-preference").open()
                measured.append(measure(visit, chosen.seconds, seed))
                visit.context.close()
        finally:
            server.popen.kill()
    rest = measured[1:]  # the first one warms everything up
    figures = {name: round(median(one[name] for one in rest), 2) for name in measured[0]}
    share = round(median(one["first"] / one["whole"] for one in rest), 2)
    print(json.dumps({"size": chosen.size, "motion_seconds": chosen.seconds, **figures, "first_of_whole": share}, indent=1))


if __name__ == "__main__":
    main()
