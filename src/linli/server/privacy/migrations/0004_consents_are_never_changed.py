"""The database refuses to change a consent, and to let one go that was not taken back; retention says when the others go."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION privacy_consent_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND (
        OLD.withdraws_id IS NOT NULL OR EXISTS (SELECT 1 FROM privacy_consent w WHERE w.withdraws_id = OLD.id)
    ) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'consents are append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER consents_are_append_only BEFORE UPDATE OR DELETE ON privacy_consent
    FOR EACH ROW EXECUTE FUNCTION privacy_consent_is_append_only();
"""
BACK = "DROP TRIGGER consents_are_append_only ON privacy_consent; DROP FUNCTION privacy_consent_is_append_only();"


class Migration(migrations.Migration):
    dependencies = [("privacy", "0003_consents")]
    operations = [migrations.RunSQL(FORWARD, BACK)]
