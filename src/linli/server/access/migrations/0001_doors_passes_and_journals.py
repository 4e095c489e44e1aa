# The tables of the doors, as one step: nobody has data yet.

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import linli.server.access.rules.passes
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('places', '0002_a_code_stays_with_its_place'),
        ('privacy', '0002_the_audit_chain_is_never_changed'),
    ]

    operations = [
        migrations.CreateModel(
            name='Box',
            fields=[
                ('id', models.CharField(max_length=40, primary_key=True, serialize=False)),
                ('estate_id', models.CharField(max_length=40)),
                ('secret_sha256', models.BinaryField(max_length=32)),
                ('whole_since', models.BigIntegerField(default=0)),
                ('enrolled_at', models.DateTimeField()),
                ('last_seen_at', models.DateTimeField(null=True)),
                ('retired_at', models.DateTimeField(null=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('estate_id', 'id'), name='a_box_belongs_to_one_estate')],
            },
        ),
        migrations.CreateModel(
            name='GateEvent',
            fields=[
                ('pk', models.CompositePrimaryKey('estate_id', 'gate', 'sequence', blank=True, editable=False, primary_key=True, serialize=False)),
                ('estate_id', models.CharField(max_length=40)),
                ('gate', models.CharField(max_length=16)),
                ('sequence', models.BigIntegerField()),
                ('happened_at', models.DateTimeField()),
                ('received_at', models.DateTimeField()),
                ('clock_sure', models.BooleanField()),
                ('method', models.CharField(max_length=16)),
                ('direction', models.CharField(max_length=3)),
                ('opened', models.BooleanField()),
                ('reason', models.CharField(max_length=32)),
                ('serial', models.BigIntegerField(null=True)),
                ('snapshot_version', models.BigIntegerField()),
                ('note', models.CharField(max_length=80)),
                ('prev', models.BinaryField(max_length=32)),
                ('hash', models.BinaryField(max_length=32)),
            ],
            options={
                'indexes': [django.contrib.postgres.indexes.BrinIndex(fields=['happened_at'], name='gate_events_by_time', pages_per_range=32)],
            },
        ),
        migrations.CreateModel(
            name='JournalFault',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('estate_id', models.CharField(max_length=40)),
                ('box_id', models.CharField(max_length=40)),
                ('gate', models.CharField(max_length=16)),
                ('sequence', models.BigIntegerField()),
                ('why', models.CharField(max_length=16)),
                ('line', models.BinaryField(max_length=1000)),
                ('digest', models.BinaryField(max_length=32)),
                ('found_at', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(fields=['estate_id', '-id'], name='journal_faults_newest_first')],
                'constraints': [models.UniqueConstraint(fields=('estate_id', 'box_id', 'why', 'digest'), name='a_faulty_line_is_kept_once')],
            },
        ),
        migrations.CreateModel(
            name='JournalGap',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('estate_id', models.CharField(max_length=40)),
                ('gate', models.CharField(max_length=16)),
                ('first', models.BigIntegerField()),
                ('last', models.BigIntegerField()),
                ('found_at', models.DateTimeField()),
                ('closed_at', models.DateTimeField(null=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('closed_at__isnull', True)), fields=('estate_id', 'gate', 'first'), name='an_open_gap_is_noted_once'), models.CheckConstraint(condition=models.Q(('first__lte', models.F('last'))), name='a_gap_is_one_line_or_more')],
            },
        ),
        migrations.CreateModel(
            name='JournalHead',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('estate_id', models.CharField(max_length=40)),
                ('gate', models.CharField(max_length=16)),
                ('sequence', models.BigIntegerField(default=0)),
                ('hash', models.CharField(max_length=64)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('estate_id', 'gate'), name='a_gate_has_one_journal')],
            },
        ),
        migrations.CreateModel(
            name='PassageCount',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('estate_id', models.CharField(max_length=40)),
                ('gate', models.CharField(max_length=16)),
                ('date', models.DateField()),
                ('method', models.CharField(max_length=16)),
                ('direction', models.CharField(max_length=3)),
                ('reason', models.CharField(max_length=32)),
                ('opened', models.BooleanField()),
                ('passages', models.BigIntegerField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('estate_id', 'gate', 'date', 'method', 'direction', 'reason', 'opened'), name='passages_are_counted_once')],
            },
        ),
        migrations.CreateModel(
            name='SnapshotCounter',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('estate_id', models.CharField(max_length=40)),
                ('version', models.BigIntegerField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('estate_id',), name='an_estate_has_one_snapshot_version')],
            },
        ),
        migrations.CreateModel(
            name='BoxReceipt',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('estate_id', models.CharField(max_length=40)),
                ('version', models.BigIntegerField()),
                ('gates', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=16), size=None)),
                ('applied_at', models.DateTimeField()),
                ('receipted_at', models.DateTimeField()),
                ('box', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='receipts', to='access.box')),
            ],
            options={
                'indexes': [django.contrib.postgres.indexes.BrinIndex(fields=['receipted_at'], name='receipts_by_age')],
                'constraints': [models.UniqueConstraint(fields=('estate_id', 'box', 'version', 'applied_at'), name='a_receipt_is_taken_once')],
            },
        ),
        migrations.CreateModel(
            name='DoorGroup',
            fields=[
                ('id', models.CharField(max_length=40, primary_key=True, serialize=False)),
                ('estate_id', models.CharField(max_length=40)),
                ('number', models.PositiveIntegerField()),
                ('kind', models.CharField(max_length=16)),
                ('name_zh', models.CharField(max_length=80)),
                ('name_en', models.CharField(max_length=80)),
                ('entrance', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='places.entrance')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('estate_id', 'number'), name='a_door_group_number_is_given_once'), models.UniqueConstraint(fields=('estate_id', 'entrance'), name='an_entrance_has_one_door_group'), models.CheckConstraint(condition=models.Q(('number__gte', 1), ('number__lte', 65535)), name='a_door_group_number_fits_a_pass'), models.CheckConstraint(condition=models.Q(models.Q(('entrance__isnull', False), ('kind', linli.server.access.rules.passes.DoorKind['ENTRANCE'])), models.Q(models.Q(('kind', linli.server.access.rules.passes.DoorKind['ENTRANCE']), _negated=True), ('entrance__isnull', True)), _connector='OR'), name='an_entrance_group_names_its_entrance')],
            },
        ),
        migrations.CreateModel(
            name='Gate',
            fields=[
                ('id', models.CharField(max_length=40, primary_key=True, serialize=False)),
                ('estate_id', models.CharField(max_length=40)),
                ('code', models.CharField(max_length=16)),
                ('name_zh', models.CharField(max_length=80)),
                ('name_en', models.CharField(max_length=80)),
                ('kind', models.CharField(max_length=16)),
                ('groups', django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), size=None)),
                ('fail_mode', models.CharField(default='listed', max_length=12)),
                ('max_age_s', models.PositiveIntegerField(default=86400)),
                ('strike_s', models.PositiveSmallIntegerField(default=5)),
                ('version', models.BigIntegerField()),
                ('box', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='gates', to='access.box')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('estate_id', 'code'), name='a_gate_code_is_given_once'), models.CheckConstraint(condition=models.Q(('groups__len__gte', 1)), name='a_gate_belongs_to_a_door_group')],
            },
        ),
        migrations.CreateModel(
            name='Pass',
            fields=[
                ('id', models.CharField(max_length=40, primary_key=True, serialize=False)),
                ('estate_id', models.CharField(max_length=40)),
                ('serial', models.BigIntegerField()),
                ('holder_kind', models.CharField(max_length=16)),
                ('holder_id', models.CharField(max_length=40)),
                ('origin_kind', models.CharField(max_length=16)),
                ('origin_id', models.CharField(max_length=40)),
                ('groups', django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), size=None)),
                ('told', django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), size=None)),
                ('start', models.DateTimeField()),
                ('end', models.DateTimeField()),
                ('told_until', models.DateTimeField()),
                ('state', models.CharField(default='active', max_length=12)),
                ('static', models.BooleanField(default=False)),
                ('override', models.BooleanField(default=False)),
                ('version', models.BigIntegerField()),
                ('reason', models.CharField(default='', max_length=200)),
                ('granted_at', models.DateTimeField()),
                ('changed_at', models.DateTimeField()),
                ('first_used_at', models.DateTimeField(null=True)),
                ('unlisted_at', models.DateTimeField(null=True)),
                ('purpose', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='privacy.purpose')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('unlisted_at__isnull', True)), fields=['estate_id', 'version'], name='listed_passes_by_version'), models.Index(condition=models.Q(('unlisted_at__isnull', True)), fields=['estate_id', 'told_until'], name='listed_passes_by_end'), models.Index(fields=['estate_id', 'origin_id'], name='passes_by_origin'), models.Index(fields=['estate_id', 'holder_id'], name='passes_by_holder')],
                'constraints': [models.UniqueConstraint(fields=('estate_id', 'serial'), name='a_pass_serial_is_drawn_once'), models.CheckConstraint(condition=models.Q(('serial__gt', 0)), name='a_pass_serial_is_positive'), models.CheckConstraint(condition=models.Q(('start__lt', models.F('end'))), name='a_pass_ends_after_it_starts'), models.CheckConstraint(condition=models.Q(('groups__len__gte', 1), ('groups__len__lte', 4)), name='a_pass_opens_one_to_four_door_groups'), models.CheckConstraint(condition=models.Q(('told__contains', models.F('groups')), ('told_until__gte', models.F('end'))), name='a_gate_is_told_of_every_pass_it_may_open_to'), models.CheckConstraint(condition=models.Q(('state__in', ['active', 'suspended', 'revoked'])), name='a_pass_is_active_suspended_or_revoked')],
            },
        ),
    ]
