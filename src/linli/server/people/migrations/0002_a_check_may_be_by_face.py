from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("people", "0001_people_accounts_and_residencies")]

    operations = [
        migrations.RemoveConstraint(model_name="documentcheck", name="a_check_has_a_known_method"),
        migrations.AddConstraint(
            model_name="documentcheck",
            constraint=models.CheckConstraint(
                condition=models.Q(("method__in", ("typed", "ocr", "mrz", "reader", "eye", "certificate", "face"))),
                name="a_check_has_a_known_method",
            ),
        ),
    ]
