"""The executor that makes Win32 and NT calls."""
