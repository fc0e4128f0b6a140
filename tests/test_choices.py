"""The entries from which a run is made: each is complete, and none is like another."""

from pkgutil import resolve_name

import numpy as np
import pytest

from core.choices import (
    CORRUPTIONS,
    DEFENCES,
    FORMER_NOISES,
    LOSSES,
    NETWORKS,
    NOISES,
    RANKINGS,
    REPAIRS,
    words_of,
)
from core.config import RunConfig
from core.view.finding.captions import EXPLAINED

KINDS = {
    "networks": NETWORKS,
    "losses": LOSSES,
    "noises": NOISES,
    "corruptions": CORRUPTIONS,
    "defences": DEFENCES,
}


@pytest.mark.parametrize("kind", KINDS)
def test_entries_have_a_name_words_and_something_that_builds_them(kind):
    entries = KINDS[kind]
    assert [entry.name for entry in entries.values()] == list(entries)
    assert all(words_of(entries).values())
    assert len(set(words_of(entries).values())) == len(entries)  # an address holds the words
    for entry in entries.values():
        if builder := getattr(entry, "builder", ""):
            assert callable(resolve_name(builder))


def test_networks_and_defences_look_different():
    for entries in (NETWORKS, DEFENCES):
        assert len({entry.colour for entry in entries.values()}) == len(entries)
    assert len({network.short for network in NETWORKS.values()}) == len(NETWORKS)
    assert len({network.mark for network in NETWORKS.values()}) == len(NETWORKS)


def test_a_defence_is_a_run_with_other_settings():
    for defence in DEFENCES.values():
        changed = RunConfig(level=0.4, **defence.settings).overrides()
        assert changed == {"level": 0.4, **defence.settings}
    assert len({str(defence.settings) for defence in DEFENCES.values()}) == len(DEFENCES)


def test_rankings_are_explained_and_repairs_have_words():
    assert set(EXPLAINED) == set(RANKINGS) and all(REPAIRS.values())


@pytest.mark.parametrize(
    ("former", "name", "run_id"),
    [
        ("human-worst", "cifar10n-worst-matrix", "a4ad098eaefa"),
        ("human-aggregate", "cifar10n-aggregate-matrix", "10d28a9c826e"),
        ("people-worst", "cifar10n-worst-labels", "12a9e4b7ba41"),
        ("people-random", "cifar10n-random-labels", "f038ad881784"),
        ("people-aggregate", "cifar10n-aggregate-labels", "7739944a7f57"),
    ],
)
def test_a_former_name_of_a_noise_is_understood_and_its_runs_keep_their_ids(former, name, run_id):
    """The ids are those that the version with the former names gave."""
    config = RunConfig(level=1.0, noise=former)
    assert config == RunConfig(level=1.0, noise=name) and config.noise == name
    assert config.run_id == run_id and FORMER_NOISES[former] == name


def test_every_named_noise_has_a_mixing_matrix():
    for noise in NOISES.values():
        if noise.builder:
            mixing = noise.mixing()
            assert mixing.shape == (10, 10) and np.allclose(mixing.sum(axis=1), 1)
        else:
            assert noise.name == "own"
