"""The executor that is an SMB client itself, on smbprotocol."""
