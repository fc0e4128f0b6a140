"""The lab's look at the labels."""

import pytest

from tests.pages.opened import metrics, open_page, texts, viewer


def test_labels_counts_what_its_sentence_says():
    page = open_page("lab", labels="true")
    page.slider(key="level").set_value(0.5).run()
    counts = {name: int(value.replace(",", "")) for name, value in metrics(page).items()}
    assert counts["Labels picked at random"] == counts["Wrong"] + counts["Right by chance"]
    assert f"{counts['Wrong']:,} are wrong" in texts(page)
    page.slider(key="level").set_value(0.0).run()
    assert metrics(page)["Wrong"] == "0" and "All labels are true" in texts(page)
    page.toggle(key="wrong").set_value(True).run()
    assert "No label is wrong here" in texts(page)


def test_labels_follows_its_address():
    page = open_page("lab", labels="true", level="0.8", seed="3")
    assert page.slider(key="level").value == 0.8 and page.text_input(key="seed").value == "3"
    assert "80%" in texts(page)


@pytest.mark.parametrize("corruption", ["Shuffled pixels", "Random pixels", "Gaussian noise"])
def test_labels_shows_changed_pixels(corruption):
    page = open_page("lab", labels="true", corruption=corruption)
    assert not page.exception and "labels stay true" in texts(page)
    assert len(page.metric) == 0 and viewer(page)["sprite"].count("-") > 2


def test_labels_filters_by_class():
    page = open_page("lab", labels="true")
    page.selectbox(key="class").set_value("frog").run()
    gallery = next(
        element.proto.body for element in page.get("html") if "<figure" in element.proto.body
    )
    assert gallery.count("<figure") == 60
    assert gallery.count("a frog,") == 60


def test_without_the_full_data_the_embedded_images_serve():
    page = open_page("lab", labels="true", data="All 50,000 images")
    assert "not on this machine yet" in texts(page) and "of the 5,000" in texts(page)
    assert any("Fetch all images" in button.label for button in page.button)


def test_labels_of_another_kind_are_told_in_its_words_with_its_matrices():
    page = open_page("lab", labels="true", noise="confusable", level="0.4")
    assert not page.exception
    assert list(metrics(page)) == ["Labels redrawn", "Wrong", "Still right", "Images"]
    (drawn,) = [metric for metric in page.metric if metric.label == "Labels redrawn"]
    assert drawn.help == "They become labels of a look-alike."
    assert "redrawn with this probability p" in page.slider(key="level").help
    assert all(name in texts(page) for name in ("becomes, S", "becomes at 40%, T"))
    page = open_page("lab", labels="true", level="0.4")
    assert "picked at random from all ten classes" in page.slider(key="level").help
