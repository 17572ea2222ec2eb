# Logs turned over as logrotate does it: by rename, by copy and truncation, packed.
tools="gzip"
furnish() { for log in web mail; do seq -f "$log: line %.0f" 3000 > "$1/$log.log"; done; }
run() {
    exec 9>> web.log
    mv web.log web.log.1
    echo "still into the old one" >&9
    exec 9>&-
    : > web.log
    chmod 640 web.log
    exec 9>> mail.log
    cp -p mail.log mail.log.1
    truncate -s 0 mail.log
    echo "after the truncation" >&9
    exec 9>&-
    gzip web.log.1 mail.log.1
    find . -name '*.gz' -mtime +7 -delete
}
