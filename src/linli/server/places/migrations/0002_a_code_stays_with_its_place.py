"""The database itself refuses to change a place's code or to delete a place: an old record must never point at another bed."""

from django.db import migrations

TABLES = ("building", "entrance", "dwelling", "room", "bed")

FORWARD = """
CREATE FUNCTION places_code_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a place is closed, never deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.code IS DISTINCT FROM OLD.code OR NEW.estate_id IS DISTINCT FROM OLD.estate_id THEN
        RAISE EXCEPTION 'a code stays with its place' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
""" + "".join(
    f"CREATE TRIGGER code_stays BEFORE UPDATE OR DELETE ON places_{table} FOR EACH ROW EXECUTE FUNCTION places_code_stays();\n"
    for table in TABLES
)
BACK = "".join(f"DROP TRIGGER code_stays ON places_{table};\n" for table in TABLES) + "DROP FUNCTION places_code_stays();"


class Migration(migrations.Migration):
    dependencies = [("places", "0001_the_address_tree")]
    operations = [migrations.RunSQL(FORWARD, BACK)]
