# A repository cloned.
tools="git"
furnish() { repository "$LOCAL/repository"; }
run() { git -c safe.directory='*' clone -q --no-local "$LOCAL/repository" clone; }
