"""A visit, somebody of the staff and a flat as facts, with nobody behind them."""

from datetime import date, timedelta

from linli.server.connectors.protocol import PersonFacts, StaffFacts, UnitFacts, VisitFacts
from tests.connectors.guests import ARRIVED, RESIDENT

VISITOR = PersonFacts(
    native_name="王乙丑",
    latin_name=None,
    sex="",
    birth_date=None,
    nationality="",
    document_kind="",
    document_number="",
    phone="+8613800000000",
)
VISIT = VisitFacts(
    visit_id="visit_01",
    unit_mark="DF2A00001",
    room_label="1",
    visitor_masked="王**",
    visitor=VISITOR,
    came_at=ARRIVED,
    leave_by=ARRIVED + timedelta(hours=3),
    left_at=ARRIVED + timedelta(hours=2),
)
STAFF = StaffFacts(
    staff_id="op_01",
    unit_marks=("DF2A00001", "DF2A00002"),
    job="operator",
    since_date=date(2026, 1, 5),
    person=RESIDENT,
)
UNIT = UnitFacts(
    unit_id="unit_01",
    unit_mark="DF2A00001",
    label="DF2-03-2-0502-W1",
    address_zh="东方新城二期3幢2单元502号",
    floor=5,
    rooms=3,
    beds=5,
    operator_name="成都示例民宿有限公司",
    operator_document="91510100MA0000001X",
    state="ACTIVE",
)
