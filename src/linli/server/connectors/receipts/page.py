"""What a phone shows that has scanned a receipt: one page in two languages, without a script and without anything from elsewhere."""

from html import escape

from linli.server.connectors.receipts.queries import ReceiptView
from linli.server.connectors.receipts.rules import PaperState
from linli.server.kernel.errors import Refusal

PAGE = """<!doctype html>
<html lang="zh-Hans">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>住宿登记回执核验 · Receipt check</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 1.06rem/1.55 system-ui, sans-serif; max-width: 34rem; margin: 6vh auto; padding: 0 1.1rem }}
h1 {{ font-size: 1.3rem; line-height: 1.35 }}
.state {{ border-inline-start: .4rem solid; padding: .6rem .9rem; margin: 1.2rem 0; font-weight: 600 }}
.good {{ border-color: #1a7f37 }} .bad {{ border-color: #b42318 }}
dl {{ display: grid; grid-template-columns: minmax(9rem, auto) 1fr; gap: .55rem 1rem; margin: 0 }}
dd {{ margin: 0; overflow-wrap: anywhere }}
small {{ display: block }}
</style>
</head>
<body>
<main>
<h1>住宿登记回执核验<br><span lang="en">Accommodation registration receipt</span></h1>
<p class="state {colour}" role="status">{zh}<br><span lang="en">{en}</span></p>
{rows}
</main>
</body>
</html>
"""


def show(view: ReceiptView) -> str:
    """This will show what has become of a receipt."""
    rows = (
        ("小区", "Estate", f"{view.estate_zh} {view.estate_en}"),
        ("房源标识", "Mark of the flat", view.unit_mark_masked),
        ("姓名", "Name", view.name_masked),
        ("入住日期", "Arrived", view.arrived_date.isoformat()),
        ("离开日期", "Until", view.until_date.isoformat()),
        ("回执编号", "Receipt number", view.receipt),
        ("回执时间", "Received", f"{view.received_at:%Y-%m-%d %H:%M} UTC"),
    )
    listed = "".join(f'<dt>{zh}<small lang="en">{en}</small></dt><dd>{escape(value)}</dd>' for zh, en, value in rows)
    good = view.state in (PaperState.VALID, PaperState.ENDED)
    return PAGE.format(colour="good" if good else "bad", zh=view.says.zh, en=view.says.en, rows=f"<dl>{listed}</dl>")


def show_refusal(refusal: Refusal) -> str:
    """This will show that a code is not one of ours."""
    said = refusal.message()
    return PAGE.format(colour="bad", zh=escape(said["zh"]), en=escape(said["en"]), rows="")
