import django.db.models.deletion
import linli.server.stays.rules.intake
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('lettings', '0001_operators_and_units'),
        ('places', '0002_a_code_stays_with_its_place'),
        ('stays', '0001_bookings_stays_and_feeds'),
    ]

    operations = [
        migrations.CreateModel(
            name='CalendarBlock',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('estate_id', models.CharField(max_length=40)),
                ('uid', models.CharField(max_length=120)),
                ('begins_date', models.DateField()),
                ('ends_date', models.DateField()),
                ('sequence', models.PositiveIntegerField(default=0)),
                ('stamped_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='CalendarLink',
            fields=[
                ('id', models.CharField(max_length=40, primary_key=True, serialize=False)),
                ('estate_id', models.CharField(max_length=40)),
                ('name', models.CharField(max_length=60)),
                ('made_at', models.DateTimeField()),
                ('made_by', models.CharField(max_length=80)),
                ('revoked_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='FeedSource',
            fields=[
                ('id', models.CharField(max_length=40, primary_key=True, serialize=False)),
                ('estate_id', models.CharField(max_length=40)),
                ('name', models.CharField(max_length=60)),
                ('url', models.BinaryField()),
                ('url_masked', models.CharField(max_length=120)),
                ('url_index', models.BinaryField(max_length=16)),
                ('takes', models.CharField(max_length=8)),
                ('state', models.CharField(max_length=8)),
                ('every_minutes', models.PositiveIntegerField()),
                ('etag', models.CharField(default='', max_length=200)),
                ('modified', models.CharField(default='', max_length=60)),
                ('next_at', models.DateTimeField()),
                ('lease_until', models.DateTimeField(null=True)),
                ('turn', models.PositiveIntegerField(default=0)),
                ('tried_at', models.DateTimeField(null=True)),
                ('good_at', models.DateTimeField(null=True)),
                ('failing_since', models.DateTimeField(null=True)),
                ('failures', models.PositiveIntegerField(default=0)),
                ('problem', models.CharField(default='', max_length=40)),
                ('orders', models.PositiveIntegerField(default=0)),
                ('blocks', models.PositiveIntegerField(default=0)),
                ('lines', models.JSONField(default=list)),
                ('added_at', models.DateTimeField()),
                ('added_by', models.CharField(max_length=80)),
                ('ended_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='HookEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('estate_id', models.CharField(max_length=40)),
                ('event_id', models.CharField(max_length=80)),
                ('digest', models.CharField(max_length=64)),
                ('answer', models.JSONField(default=dict)),
                ('received_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='IntakeTask',
            fields=[
                ('id', models.CharField(max_length=40, primary_key=True, serialize=False)),
                ('estate_id', models.CharField(max_length=40)),
                ('kind', models.CharField(max_length=12)),
                ('scope', models.CharField(max_length=120)),
                ('feed', models.CharField(max_length=40)),
                ('ref', models.CharField(max_length=120)),
                ('content', models.CharField(max_length=64)),
                ('code', models.CharField(default='', max_length=40)),
                ('facts', models.JSONField(default=dict)),
                ('order', models.BinaryField(null=True)),
                ('times', models.PositiveIntegerField(default=1)),
                ('opened_at', models.DateTimeField()),
                ('seen_at', models.DateTimeField()),
                ('closed_at', models.DateTimeField(null=True)),
                ('closed_by', models.CharField(default='', max_length=80)),
                ('choice', models.CharField(default='', max_length=12)),
                ('note', models.CharField(default='', max_length=200)),
            ],
        ),
        migrations.CreateModel(
            name='OrderHook',
            fields=[
                ('id', models.CharField(max_length=40, primary_key=True, serialize=False)),
                ('estate_id', models.CharField(max_length=40)),
                ('channel', models.CharField(max_length=20)),
                ('secret', models.BinaryField()),
                ('old_secret', models.BinaryField(null=True)),
                ('old_ends_at', models.DateTimeField(null=True)),
                ('made_at', models.DateTimeField()),
                ('made_by', models.CharField(max_length=80)),
                ('rotated_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name='feedentry',
            name='first_missed_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='feedentry',
            name='scope',
            field=models.CharField(default='', max_length=120),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='feedentry',
            name='told_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='calendarlink',
            name='room',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='places.room'),
        ),
        migrations.AddField(
            model_name='calendarlink',
            name='unit',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='lettings.unit'),
        ),
        migrations.AddField(
            model_name='calendarblock',
            name='calendar',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='blocks', to='stays.calendarlink'),
        ),
        migrations.AddField(
            model_name='feedsource',
            name='room',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='places.room'),
        ),
        migrations.AddField(
            model_name='feedsource',
            name='unit',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='lettings.unit'),
        ),
        migrations.AddField(
            model_name='intaketask',
            name='booking',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='stays.booking'),
        ),
        migrations.AddField(
            model_name='intaketask',
            name='operator',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='lettings.operator'),
        ),
        migrations.AddField(
            model_name='intaketask',
            name='source',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='stays.feedsource'),
        ),
        migrations.AddField(
            model_name='intaketask',
            name='unit',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='lettings.unit'),
        ),
        migrations.AddField(
            model_name='orderhook',
            name='operator',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='lettings.operator'),
        ),
        migrations.AddField(
            model_name='hookevent',
            name='hook',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='stays.orderhook'),
        ),
        migrations.AddIndex(
            model_name='calendarlink',
            index=models.Index(fields=['estate_id', 'unit'], name='calendar_by_unit'),
        ),
        migrations.AddConstraint(
            model_name='calendarlink',
            constraint=models.UniqueConstraint(fields=('estate_id', 'id'), name='a_calendar_belongs_to_one_estate'),
        ),
        migrations.AddConstraint(
            model_name='calendarblock',
            constraint=models.UniqueConstraint(fields=('estate_id', 'calendar', 'uid'), name='a_block_is_told_once_by_a_calendar'),
        ),
        migrations.AddConstraint(
            model_name='calendarblock',
            constraint=models.CheckConstraint(condition=models.Q(('begins_date__lt', models.F('ends_date'))), name='a_block_lasts_a_night'),
        ),
        migrations.AddIndex(
            model_name='feedsource',
            index=models.Index(condition=models.Q(('state', 'ACTIVE')), fields=['next_at'], name='feed_by_turn'),
        ),
        migrations.AddIndex(
            model_name='feedsource',
            index=models.Index(fields=['estate_id', 'unit'], name='feed_by_unit'),
        ),
        migrations.AddConstraint(
            model_name='feedsource',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('estate_id', 'unit', 'room', 'url_index'), name='a_calendar_is_followed_once_for_a_place', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='feedsource',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['ACTIVE', 'PAUSED', 'ENDED'])), name='a_feed_is_in_a_known_state'),
        ),
        migrations.AddConstraint(
            model_name='feedsource',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', False), ('state', 'ENDED')), models.Q(models.Q(('state', 'ENDED'), _negated=True), ('ended_at__isnull', True)), _connector='OR'), name='a_feed_that_ended_says_when'),
        ),
        migrations.AddConstraint(
            model_name='feedsource',
            constraint=models.CheckConstraint(condition=models.Q(('takes__in', ['whole', 'places'])), name='a_feed_lets_the_whole_or_places'),
        ),
        migrations.AddIndex(
            model_name='intaketask',
            index=models.Index(condition=models.Q(('closed_at__isnull', True)), fields=['estate_id', 'operator', 'opened_at'], name='open_task_by_operator'),
        ),
        migrations.AddConstraint(
            model_name='intaketask',
            constraint=models.UniqueConstraint(fields=('estate_id', 'kind', 'scope', 'ref', 'content'), name='one_conflict_is_one_task'),
        ),
        migrations.AddConstraint(
            model_name='intaketask',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', [linli.server.stays.rules.intake.TaskKind['CONFLICT'], linli.server.stays.rules.intake.TaskKind['CHANGED'], linli.server.stays.rules.intake.TaskKind['CANCELLED'], linli.server.stays.rules.intake.TaskKind['MISSING'], linli.server.stays.rules.intake.TaskKind['REFUSED'], linli.server.stays.rules.intake.TaskKind['FEED_SILENT']])), name='a_task_is_of_a_known_kind'),
        ),
        migrations.AddConstraint(
            model_name='intaketask',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('choice', ''), ('closed_at__isnull', True)), models.Q(('closed_at__isnull', False), models.Q(('choice', ''), _negated=True)), _connector='OR'), name='a_closed_task_says_how_it_was_answered'),
        ),
        migrations.AddConstraint(
            model_name='intaketask',
            constraint=models.CheckConstraint(condition=models.Q(('closed_at__isnull', True), ('order__isnull', True), _connector='OR'), name='a_closed_task_keeps_no_order'),
        ),
        migrations.AddConstraint(
            model_name='orderhook',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('estate_id', 'operator', 'channel'), name='a_channel_has_one_hook_an_operator'),
        ),
        migrations.AddConstraint(
            model_name='orderhook',
            constraint=models.CheckConstraint(condition=models.Q(('old_secret__isnull', True), ('old_ends_at__isnull', False), _connector='OR'), name='an_old_secret_has_an_end'),
        ),
        migrations.AddIndex(
            model_name='hookevent',
            index=models.Index(fields=['received_at'], name='hook_event_by_age'),
        ),
        migrations.AddConstraint(
            model_name='hookevent',
            constraint=models.UniqueConstraint(fields=('estate_id', 'hook', 'event_id'), name='an_event_of_a_hook_happens_once'),
        ),
    ]
