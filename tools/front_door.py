"""An import-linter contract: a domain is entered by its front doors, and nobody climbs in through a window."""

from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class FrontDoorContract(Contract):
    """Keep each package directly under `parent` to its `doors` for everybody outside it.

    With the doors `actions, queries, events`, `town.stays.actions` may import `town.people.queries` but not
    `town.people.models`. A package in `open_domains` has no walls; a module in `open_modules` has the keys to all.
    """

    parent = fields.StringField()
    doors = fields.SetField(subfield=fields.StringField())
    open_domains = fields.SetField(subfield=fields.StringField(), required=False)
    open_modules = fields.SetField(subfield=fields.StringField(), required=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """List every import that enters a domain elsewhere than through a door."""
        domains = {module for module in graph.find_children(str(self.parent)) if graph.find_children(module)}
        walled = domains - {f"{self.parent}.{name}" for name in self._names(self.open_domains)}
        with_keys = self._names(self.open_modules)
        broken = [
            (importer, imported)
            for domain in sorted(walled)
            for imported in sorted({domain} | graph.find_descendants(domain))
            if not self._is_door(imported, domain)
            for importer in sorted(graph.find_modules_that_directly_import(imported))
            if not f"{importer}.".startswith(f"{domain}.") and importer not in with_keys
        ]
        return ContractCheck(kept=not broken, metadata={"broken": broken})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Say who came in where."""
        for importer, imported in check.metadata["broken"]:
            output.print_error(f"{importer} enters {imported} by the back door")

    def _is_door(self, module: str, domain: str) -> bool:
        # `from linli.server.stays import actions` is an import of the module behind the door, never of the package.
        inside = module.removeprefix(domain).lstrip(".")
        return inside.split(".")[0] in self._names(self.doors)

    @staticmethod
    def _names(value: Any) -> set[str]:
        return set(value or ())
