"""Each contract of the architecture is broken on purpose here: one that cannot be broken guards nothing."""

from copy import deepcopy

import grimp
import pytest
from importlinter.application import use_cases
from importlinter.application.user_options import UserOptions
from importlinter.configuration import configure

# (contract, who must not import, what)
BREACHES = (
    ("deployables", "linli.gate.decision", "linli.server.env"),
    ("deployables", "linli.gate.passes", "linli.edge.agent"),
    ("deployables", "linli.gate.wire", "linli.documents.kinds"),
    ("deployables", "linli.faces.gallery", "linli.edge.agent"),
    ("deployables", "linli.edge.agent", "linli.server.access.models"),
    ("deployables", "linli.sim.people", "linli.server.people.models"),
    ("deployables", "linli.server.access.actions", "linli.edge.store"),
    ("deployables", "linli.server.postgres", "linli.supervise.keeper"),
    ("deployables", "linli.supervise.instance", "linli.cli"),
    ("domains", "linli.server.kernel.outbox", "linli.server.places.models"),
    ("domains", "linli.server.privacy.actions", "linli.server.people.queries"),
    ("domains", "linli.server.places.queries", "linli.server.people.queries"),
    ("domains", "linli.server.people.actions", "linli.server.stays.actions"),
    ("domains", "linli.server.access.actions", "linli.server.stays.events"),
    ("domains", "linli.server.access.actions", "linli.server.lettings.queries"),
    ("domains", "linli.server.stays.actions", "linli.server.connectors.tasks"),
    ("domains", "linli.server.stays.actions", "linli.server.wiring"),
    ("inside", "linli.server.stays.actions", "linli.server.stays.api"),
    ("inside", "linli.server.access.queries", "linli.server.access.actions"),
    ("inside", "linli.server.people.models", "linli.server.people.queries"),
    ("inside", "linli.server.lettings.rules", "linli.server.lettings.models"),
    ("inside", "linli.server.privacy.rules", "linli.server.privacy.events"),
    ("front-doors", "linli.server.stays.actions", "linli.server.people.models"),
    ("front-doors", "linli.server.stays.queries", "linli.server.access.rules"),
    ("front-doors", "linli.server.streams", "linli.server.access.models"),
    ("plain-gate", "linli.gate.passes", "django"),
    ("plain-gate", "linli.edge.store", "psycopg"),
    ("plain-gate", "linli.documents.reading", "django"),
    ("plain-gate", "linli.faces.engine", "django"),
    ("plain-gate", "linli.sim.platforms.lodging", "procrastinate"),
    ("still-gate", "linli.gate.journal", "sqlite3"),
    ("still-gate", "linli.gate.wire", "httpx"),
    ("pure-rules", "linli.server.people.rules", "django"),
    ("pure-rules", "linli.server.stays.events", "django"),
    ("pure-rules", "linli.server.lettings.rules", "linli.server.kernel.clock"),
    ("one-way-out", "linli.server.connectors.delivery", "httpx"),
    ("one-way-out", "linli.server.stays.actions", "requests"),
)

# A file that no contract has a place for: it must be given one, not slip through.
STRAYS = (
    ("deployables", "linli.misc"),
    ("domains", "linli.server.helpers"),
    ("inside", "linli.server.stays.manager"),
)


@pytest.fixture(scope="module")
def options() -> UserOptions:
    configure()
    read = use_cases.read_user_options(".importlinter")
    use_cases._register_contract_types(read)
    return read


@pytest.fixture(scope="module")
def town() -> grimp.ImportGraph:
    return grimp.build_graph(
        "linli", include_external_packages=True, exclude_type_checking_imports=True, cache_dir=None
    )


@pytest.fixture
def graph(town: grimp.ImportGraph) -> grimp.ImportGraph:
    return deepcopy(town)


def kept(contract: str, graph: grimp.ImportGraph, options: UserOptions) -> bool:
    report = use_cases._build_report(
        graph=graph,
        graph_building_duration=0,
        user_options=options,
        limit_to_contracts=(contract,),
        show_timings=False,
        verbose=False,
    )
    return not report.contains_failures


def add(graph: grimp.ImportGraph, module: str) -> None:
    parts = module.split(".")
    for length in range(1, len(parts) + 1):
        name = ".".join(parts[:length])
        if name not in graph.modules:
            graph.add_module(name, is_squashed=not name.startswith("linli"))


def names(options: UserOptions) -> list[str]:
    return [contract["id"] for contract in options.contracts_options]


def test_the_tree_keeps_every_contract(graph: grimp.ImportGraph, options: UserOptions) -> None:
    assert [name for name in names(options) if not kept(name, graph, options)] == []


@pytest.mark.parametrize(("contract", "importer", "imported"), BREACHES, ids=lambda word: word)
def test_a_forbidden_import_is_caught(
    contract: str, importer: str, imported: str, graph: grimp.ImportGraph, options: UserOptions
) -> None:
    add(graph, importer)
    add(graph, imported)
    graph.add_import(importer=importer, imported=imported, line_number=1, line_contents=f"import {imported}")
    assert not kept(contract, graph, options)


@pytest.mark.parametrize(("contract", "module"), STRAYS, ids=lambda word: word)
def test_a_module_without_a_place_in_the_architecture_is_caught(
    contract: str, module: str, graph: grimp.ImportGraph, options: UserOptions
) -> None:
    add(graph, module)
    assert not kept(contract, graph, options)


def test_every_contract_is_broken_on_purpose_somewhere_above(options: UserOptions) -> None:
    assert set(names(options)) == {contract for contract, *_ in BREACHES}


def test_a_front_door_lets_neighbours_in(graph: grimp.ImportGraph, options: UserOptions) -> None:
    before = kept("front-doors", graph, options)
    for door in ("actions", "queries", "events"):
        add(graph, "linli.server.stays.actions")
        add(graph, f"linli.server.people.{door}")
        graph.add_import(importer="linli.server.stays.actions", imported=f"linli.server.people.{door}")
    assert kept("front-doors", graph, options) == before
