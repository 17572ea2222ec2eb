"""What takes root's rights, apart from everything else: a helper that mounts, unmounts and captures
(`helper`), how it is asked (`client`), and how a command becomes who called it (`becoming`)."""
