# What is done by hand: cp, mv, chmod -R, touch, ln, rm -r; and what a share refuses.
furnish() { tree "$1/tree"; }
run() {
    cp -r tree copy
    cp -p "tree/part 0/src/file-001.txt" .
    mv file-001.txt "copy/part 0/renamed.txt"
    mv "copy/part 0" moved
    mv -b "moved/renamed.txt" "moved/src/file-002.txt"
    chmod -R u+w,go-w moved
    touch "moved/src/file-003.txt" new.txt
    touch -d '2020-02-02 02:02:02' new.txt
    ln new.txt second.txt
    ln -s new.txt symbolic.txt 2> /dev/null || true
    mkfifo pipe 2> /dev/null || true
    chown nobody new.txt 2> /dev/null || true
    cat moved/src/* > all.txt
    wc -l all.txt > /dev/null
    sed -i 's/1/2/' new.txt all.txt
    du -s . > /dev/null
    df . > /dev/null
    rmdir copy 2> /dev/null || true
    rm -r copy moved
    ls -laR > /dev/null
}
