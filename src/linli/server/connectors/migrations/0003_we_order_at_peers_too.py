import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('connectors', '0002_every_subject_every_platform'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='viidsubscription',
            name='a_subscription_is_known_once',
        ),
        migrations.AddField(
            model_name='viiddevice',
            name='changed_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='viiddevice',
            name='said_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='viidsubscription',
            name='answer',
            field=models.CharField(default='', max_length=20),
        ),
        migrations.AddField(
            model_name='viidsubscription',
            name='answer_code',
            field=models.CharField(default='', max_length=30),
        ),
        migrations.AddField(
            model_name='viidsubscription',
            name='notices',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='viidsubscription',
            name='noticed_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='viidsubscription',
            name='unwanted',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddConstraint(
            model_name='viidsubscription',
            constraint=models.UniqueConstraint(fields=('estate_id', 'peer', 'side', 'subscription_id'), name='a_subscription_is_known_once'),
        ),
        migrations.AddConstraint(
            model_name='viidsubscription',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('side', 'ours'), _negated=True), ('details__in', ['3', '4', '3,4']), _connector='OR'), name='we_order_devices_and_nothing_else'),
        ),
        migrations.CreateModel(
            name='ViidNotice',
            fields=[
                ('id', models.CharField(max_length=40, primary_key=True, serialize=False)),
                ('estate_id', models.CharField(max_length=40)),
                ('number', models.CharField(max_length=33)),
                ('heard_at', models.DateTimeField()),
                ('subscription', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='connectors.viidsubscription')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('estate_id', 'subscription', 'number'), name='a_notification_counts_once')],
            },
        ),
    ]
