# The cores are held against an allow list of undefined symbols.
