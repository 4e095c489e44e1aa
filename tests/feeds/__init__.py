"""Order lists and workbooks for the tests, written by us: fictional orders, and files that are no order lists at all."""
