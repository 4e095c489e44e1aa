"""Who has a pass because of a contract: operators and cleaners at the flats under contract, guards and staff at all common doors (A4)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from linli.server.kernel.errors import Refusal

CONTRACT = "contract"
# Whether the pass belongs to one flat. How long and at which hours is a matter of the terms: a guard's shift, a cleaner's daytime.
AT_A_FLAT: Mapping[str, bool] = MappingProxyType({"operator": True, "cleaner": True, "guard": False, "staff": False})
LONGEST_CONTRACT = timedelta(days=5 * 366)


class NoContractHolder(Refusal):
    """By contract a pass is given to an operator, a cleaner, a guard or staff, and to nobody else."""

    zh = "合同通行授权仅限经营者、保洁、保安和工作人员。"
    status = 422


class FlatWanted(Refusal):
    """Please name the flat: operators and cleaners have a pass to the flats under contract; guards and staff to none."""

    zh = "经营者和保洁须指定合同内的房屋；保安和工作人员不指定房屋。"
    status = 422


class ContractUnreadable(Refusal):
    """Please give the contract's number, at most forty characters, and whose pass it is."""

    zh = "请填写合同编号（不超过四十个字符）和持有人。"
    status = 422


class ContractOver(Refusal):
    """The contract must end after now, and within five years."""

    zh = "合同终止时间须晚于现在，且在五年之内。"
    status = 422


def check_contract(
    *, holder_kind: str, holder_id: str, contract: str, dwelling_id: str | None, until: datetime, now: datetime
) -> None:
    """This will refuse a pass by a contract that does not say whose, for which doors or until when."""
    if holder_kind not in AT_A_FLAT:
        raise NoContractHolder(field="holder_kind")
    if AT_A_FLAT[holder_kind] is not bool(dwelling_id):
        raise FlatWanted(field="dwelling_id")
    for name, text in (("contract", contract), ("holder_id", holder_id)):
        if not 1 <= len(text) <= 40 or not text.isprintable() or text != text.strip():
            raise ContractUnreadable(field=name)
    if not now < until <= now + LONGEST_CONTRACT:
        raise ContractOver(field="until")
