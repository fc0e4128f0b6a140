"""What tests wait for: states of a page, and never a time."""

from contextlib import suppress

from playwright.sync_api import Page, TimeoutError

DRAWN = """() => {
  const app = document.querySelector("[data-testid=stApp]")
  const unfinished = ".unfilled, [data-testid=stSkeleton], [data-testid=stVegaLiteChart]:not(:has(svg.marks))"
  const moves = each => each.playState === "running" && each.effect.getComputedTiming().endTime !== Infinity
  return app?.getAttribute("data-test-script-state") === "notRunning"
    && ![...document.querySelectorAll(unfinished)].some(each => each.checkVisibility()) // not in a closed tab
    && document.fonts.status === "loaded" && !document.getAnimations().some(moves)
}"""
TOO_WIDE = """() => {
  const main = document.querySelector("[data-testid=stMain]")
  return Math.max(document.documentElement.scrollWidth - innerWidth, main.scrollWidth - main.clientWidth)
}"""
STILL = """element => new Promise(end => {
  let last = NaN, frames = 0
  const look = () => {
    frames = element.scrollTop === last ? frames + 1 : 0
    last = element.scrollTop
    if (frames < 10) requestAnimationFrame(look)
    else end(last)
  }
  look()
})"""


def drawn(page: Page) -> None:
    """The script has ended, components have their words, charts and fonts are there, nothing fades in.

    What makes the script run must have shown first: right after a press it has not begun.
    """
    page.wait_for_function(DRAWN, timeout=60_000)


def no_wider(page: Page) -> None:
    """Nothing is wider than the window, nor than the part of it that scrolls."""
    with suppress(TimeoutError):  # by how much is said below
        page.wait_for_function(f"({TOO_WIDE})() <= 0", timeout=5000)
    assert page.evaluate(TOO_WIDE) <= 0, f"pixels too wide for {page.viewport_size}"


def scrolled(page: Page) -> float:
    """How far the page is scrolled down, once it moves no more."""
    return page.get_by_test_id("stMain").evaluate(STILL)
