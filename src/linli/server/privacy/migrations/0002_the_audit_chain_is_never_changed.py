"""The database itself refuses to change or delete an audit entry; whoever can switch the trigger off is found by the chain."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION privacy_audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit chain is append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE ON privacy_auditentry
    FOR EACH ROW EXECUTE FUNCTION privacy_audit_is_append_only();
"""
BACK = "DROP TRIGGER audit_is_append_only ON privacy_auditentry; DROP FUNCTION privacy_audit_is_append_only();"


class Migration(migrations.Migration):
    dependencies = [("privacy", "0001_purposes_audit_and_disclosures")]
    operations = [migrations.RunSQL(FORWARD, BACK)]
