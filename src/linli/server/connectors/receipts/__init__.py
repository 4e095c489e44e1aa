"""The registration receipt of a guest from abroad: printed in two languages, with a code that anybody can verify."""
