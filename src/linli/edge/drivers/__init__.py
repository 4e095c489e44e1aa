"""Drivers: one module a make of door or reader."""
