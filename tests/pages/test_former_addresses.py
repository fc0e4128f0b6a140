"""Addresses that earlier versions gave out still show what they showed."""

import pytest

from core.choices import NOISES
from tests.pages.opened import open_page

FORMER = [
    (noise, former)
    for noise in NOISES.values()
    for former in (noise.former_name, noise.former_words)
    if former
]


@pytest.mark.parametrize(("noise", "former"), FORMER, ids=[former for _, former in FORMER])
def test_a_kind_of_noise_is_found_by_its_former_name_and_words(noise, former, monkeypatch, tmp_path):
    monkeypatch.setenv("CIFAR10N_FILE", str(tmp_path / "CIFAR-10_human.pt"))  # so that it is a choice
    lab = open_page("lab", noise=former, level="0.0")
    assert lab.selectbox(key="noise").value == noise.name
