from django.db import migrations

# An upload's calendar keeps its own references; an order list's belong to the operator at the channel. Should one order have been
# told by two lists, the newest entry carries it on and the older ones stay as history.
FILL = """
    UPDATE stays_feedentry AS entry
    SET scope = told.scope || CASE WHEN told.place = 1 THEN '' ELSE '#' || told.place END
    FROM (
        SELECT id, scope, row_number() OVER (PARTITION BY estate_id, scope, ref ORDER BY seen_at DESC, id DESC) AS place
        FROM (
            SELECT e.id, e.estate_id, e.ref, e.seen_at,
                   CASE WHEN b.channel IS NULL OR b.channel = 'ical' THEN 'calendar:' || e.feed || ':' || e.unit_id
                        ELSE 'orders:' || u.operator_id || ':' || b.channel END AS scope
            FROM stays_feedentry e
            JOIN lettings_unit u ON u.id = e.unit_id
            LEFT JOIN stays_booking b ON b.id = e.booking_id
        ) AS named
    ) AS told
    WHERE told.id = entry.id
"""


class Migration(migrations.Migration):

    dependencies = [
        ('stays', '0002_feeds_are_followed_and_ask'),
    ]

    operations = [
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
