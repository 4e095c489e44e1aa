"""This reads identity documents: their numbers, machine-readable zones and pictures.

A pure library beside the gate kernel: no Django, no database, no clock (`today` is an argument), nothing kept.

kinds     which documents exist, whose they are and how their numbers look (an editable table)
numbers   document numbers, organisation codes (USCC) and telephone numbers: checked, normalised, masked
mrz       the machine-readable zone of ICAO 9303, mended only where a check digit confirms the mending
reading   a picture in, fields out; the picture is forgotten
compare   what was read against what was typed, and the level of identity this earns
problems  every reason for a refusal, with a stable code and words in Chinese and English
"""
