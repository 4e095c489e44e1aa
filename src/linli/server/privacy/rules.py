"""Which purposes the estate may hold personal data for, what a holding must say of itself, and how an audit entry is hashed."""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class PurposeTerms:
    """A purpose as the notice states it: legal basis, data set, days kept, recipients and the notice's version (PIPL art. 13, 17, 19)."""

    code: str
    legal_basis: str
    data_set: tuple[str, ...]
    retention_days: int
    recipients: tuple[str, ...]
    notice_version: str
    notice_zh: str
    notice_en: str


PURPOSES = (
    PurposeTerms(
        code="lodging_registration",
        legal_basis="statutory duty: 旅馆业治安管理办法 art. 6; 反恐怖主义法 art. 21; 出境入境管理法 art. 39; PIPL art. 13(3)",
        data_set=(
            "name",
            "sex",
            "birth date",
            "document",
            "nationality",
            "phone",
            "room",
            "times",
            "guardian of a minor",
        ),
        retention_days=3 * 365,
        recipients=("lodging platform (旅综平台)",),
        notice_version="2026-1",
        notice_zh="依照《旅馆业治安管理办法》第六条等规定登记住宿信息，仅报送公安旅馆业管理平台，保存三年后删除。证件照片读取后立即删除，不保存。",
        notice_en="Lodging registration required by law (Lodging Security Rules art. 6). Sent only to the police lodging platform, "
        "deleted after three years. A picture of your document is read and deleted at once; it is never kept.",
    ),
    PurposeTerms(
        code="access_pass",
        legal_basis="contract with the guest or resident: PIPL art. 13(2)",
        data_set=("pass number", "doors", "period", "entries and exits"),
        retention_days=90,
        recipients=(),
        notice_version="2026-1",
        notice_zh="通行码仅用于开门；进出记录保存九十天，之后只保留合计数。",
        notice_en="The pass opens doors and nothing else; entries and exits are kept ninety days, then only counts remain.",
    ),
    PurposeTerms(
        code="residency",
        legal_basis="statutory duty of the community to know its residents (实有人口): local rules; PIPL art. 13(3)",
        data_set=("name", "document", "phone", "flat", "household"),
        retention_days=365,
        recipients=(),
        notice_version="2026-1",
        notice_zh="居住登记用于小区通行与服务，迁出一年后删除。",
        notice_en="Residency is recorded for access and services and deleted a year after moving out.",
    ),
    PurposeTerms(
        code="operator_file",
        legal_basis="statutory duty and contract: 电子商务法 art. 27; PIPL art. 13(2)(3)",
        data_set=("name", "document or business code", "phone", "flats let", "job"),
        retention_days=3 * 365,
        recipients=("lodging platform (旅综平台)",),
        notice_version="2026-2",
        notice_zh="经营者与从业人员档案依法建立，报送公安旅馆业管理平台，停止经营三年后删除。",
        notice_en="The files of operators and of those who work for them are kept as the law asks, sent to the police lodging platform, "
        "and deleted three years after they stop letting.",
    ),
    PurposeTerms(
        code="staff_account",
        legal_basis="contract of employment or mandate: PIPL art. 13(2)",
        data_set=("name", "user name", "role", "actions taken"),
        retention_days=3 * 365,
        recipients=(),
        notice_version="2026-1",
        notice_zh="工作人员账号与操作记录，离岗三年后删除。",
        notice_en="Staff accounts and what was done with them, deleted three years after leaving.",
    ),
    PurposeTerms(
        code="face_pass",
        legal_basis="separate consent: PIPL art. 29; 人脸识别技术应用安全管理办法 (2025-06-01): voluntary, another way at every door",
        data_set=("face template",),
        retention_days=1,
        recipients=(),
        notice_version="2026-1",
        notice_zh="刷脸通行完全自愿，不刷脸同样可以用二维码、卡、密码或由值班人员开门，同样的时间、不另收费。照片转换成特征后立即删除，"
        "特征加密保存在本小区服务器和您可通行的门禁中，仅用于开门，不对外提供；退房或撤回同意即删除，最迟在通行到期后一日内删除，每一道门都要确认。",
        notice_en="Opening doors by face is voluntary: the code, a card, a PIN or the guard let you in at the same hours, at no charge. "
        "The picture is deleted as soon as a template is made of it; the template is encrypted, held by this estate and at the doors "
        "you may pass, opens doors and nothing else, and goes to nobody. It is deleted when you check out or take your consent back, "
        "at the latest a day after your pass ends, and every gate confirms it.",
    ),
    PurposeTerms(
        code="face_verification",
        legal_basis="separate consent: PIPL art. 29; 人脸识别技术应用安全管理办法 (2025-06-01): voluntary, another way always serves",
        data_set=("picture (shown once, not kept)", "document number", "name", "answer and score"),
        retention_days=90,
        recipients=("face layer (人脸AI能力层)",),
        notice_version="2026-1",
        notice_zh="人脸核验完全自愿：不同意，同样可以出示证件、请房东或门卫当面核对，或凭派出所临时身份证明入住，不延误、不另收费。您同意后，"
        "照片一张与姓名、证件类型和号码加密发送给人脸AI能力层一次，仅用于核对本人与证件是否一致，不作搜索比对；照片只在内存中使用，"
        "得到答复即删除，本小区不保存。答复、分值和回执保存九十天后删除。可随时撤回同意；未满十四周岁须由监护人单独同意。",
        notice_en="The face check is voluntary: without it, your document, the eyes of the host or the guard, or a police certificate let "
        "you in just as soon, at no charge. If you agree, one picture with your name and the type and number of your document is sent, "
        "encrypted and once, to the face layer, only to compare you with your document; nobody is searched for. The picture stays in "
        "memory and is gone with the answer; the estate keeps none. Answer, score and receipt are deleted after ninety days. You may take "
        "your consent back at any time; for a child under 14 the guardian gives it separately.",
    ),
    PurposeTerms(
        code="visitor",
        legal_basis="contract with the host and the house rules: PIPL art. 13(2); registration of visitors, local short-let rules",
        data_set=("name", "phone", "host", "period"),
        retention_days=90,
        recipients=("lodging platform (旅综平台)",),
        notice_version="2026-2",
        notice_zh="访客登记用于开门和联系被访人；到访网约房的，来访与离开时间依规报送公安旅馆业管理平台。九十天后删除。",
        notice_en="A visitor's name and phone are kept to open doors and to reach the host; of a visit to a flat let by the night, coming and "
        "going are told to the police lodging platform. Deleted after ninety days.",
    ),
    PurposeTerms(
        code="community_registration",
        legal_basis="statutory duty to register who lives in the community (实有人口): local rules; PIPL art. 13(3), 34",
        data_set=("name", "sex", "birth date", "document", "flat", "times", "doors passed"),
        retention_days=365,
        recipients=("community platform (社采平台)",),
        notice_version="2026-1",
        notice_zh="在本小区居住或登记住宿的人员，其姓名、证件、住址、起止时间与进出时间依规报送社区信息采集平台；不含照片、民族、宗教、政治面貌。",
        notice_en="Of whoever lives or is registered to stay here, name, document, address, period and times of coming and going are told "
        "to the community platform as the rules ask; no picture, ethnicity, faith or politics.",
    ),
    PurposeTerms(
        code="view_library",
        legal_basis="public safety duty of the estate's keeper: 公共安全视频图像信息系统管理条例 art. 14 (devices are filed); no personal data",
        data_set=("devices", "their positions", "whether they work"),
        retention_days=365,
        recipients=("view library (视图库)",),
        notice_version="2026-1",
        notice_zh="仅报送门禁设备目录与在线状态，不含个人信息。",
        notice_en="Only the list of door devices and whether they work is told; no personal data.",
    ),
    PurposeTerms(
        code="view_library_faces",
        legal_basis="separate consent for provision to this recipient: PIPL art. 23, 29; 人脸识别技术应用安全管理办法 (2025-06-01)",
        data_set=("time and door of a passage",),
        retention_days=90,
        recipients=("view library (视图库)",),
        notice_version="2026-1",
        notice_zh="经您单独同意，您通过门禁的时间与位置以对象编号报送视图库，不含姓名、证件和照片；不同意不影响任何通行方式，可随时撤回。",
        notice_en="With your separate consent the time and door of your passages are told to the view library under an object number, without "
        "name, document or picture. Without it every way in serves just as well, and you may take it back at any time.",
    ),
    PurposeTerms(
        code="ses_hospedajes",
        legal_basis="Real Decreto 933/2021 (Spain) art. 4-6; tried with made-up data only, refused on a real estate",
        data_set=("name", "sex", "birth date", "document", "nationality", "times"),
        retention_days=3 * 365,
        recipients=("SES.Hospedajes (Spain)",),
        notice_version="2026-1",
        notice_zh="仅用于以虚构数据校验接口，真实小区不予报送。",
        notice_en="Used only to check the machinery with made-up data; a real estate sends nothing.",
    ),
    PurposeTerms(
        code="public_health",
        legal_basis="an order under 突发公共卫生事件应急条例 or 传染病防治法, named in each order; PIPL art. 13(4)",
        data_set=("status at a gate", "time"),
        retention_days=14,
        recipients=(),
        notice_version="2026-1",
        notice_zh="仅在依法发布的公共卫生措施期间读取体温或健康码，只保存状态和时间，措施结束即清除，最长十四天。",
        notice_en="Temperature or health code are read only while a lawful order holds; only status and time are kept, and purged when it "
        "ends, after fourteen days at the latest.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What one model holds on a person: why, how long, and how it is exported and erased. Each domain registers its own."""

    model: str
    purpose_code: str
    fields: tuple[str, ...]
    export: Callable[[str, str], Sequence[dict[str, Any]]]
    erase_expired: Callable[[datetime], int]


GENESIS = "0" * 64
CHANNELS = ("phone", "desk", "paper")


def notice_digest(*, code: str, version: str, zh: str, en: str) -> str:
    """This will return the digest that names a notice word for word; whoever consents sends it back (PIPL art. 14, 17)."""
    return hashlib.sha256("\n".join((code, version, zh, en)).encode()).hexdigest()


def canonical_entry(
    *,
    estate_id: str,
    sequence: int,
    at: datetime,
    actor_id: str,
    verb: str,
    subject: str,
    fields: Iterable[str],
    reason: str,
    previous: str,
) -> bytes:
    """This will return the bytes over which an entry's SM3 digest is taken; the previous digest is part of them."""
    parts = [
        estate_id,
        sequence,
        at.astimezone(UTC).isoformat(timespec="microseconds"),
        actor_id,
        verb,
        subject,
        list(fields),
        reason,
        previous,
    ]
    return json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode()
