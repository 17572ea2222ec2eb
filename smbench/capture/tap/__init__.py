"""The tap in tshark: its process, the protocol of its lines, who reads them, and a trial of it."""
