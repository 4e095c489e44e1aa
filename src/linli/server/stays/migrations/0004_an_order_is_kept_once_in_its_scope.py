from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('stays', '0003_orders_know_whose_references_they_bear'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='feedentry',
            name='an_order_of_a_feed_is_kept_once',
        ),
        migrations.AddConstraint(
            model_name='feedentry',
            constraint=models.UniqueConstraint(fields=('estate_id', 'scope', 'ref'), name='an_order_of_a_feed_is_kept_once'),
        ),
    ]
