# A program of six files, made.
tools="make gcc"
furnish() {
    mkdir -p "$1/include"
    # shellcheck disable=SC2016  # make expands them
    printf 'CFLAGS = -O1 -Iinclude\nprogram: main.o one.o two.o three.o four.o\n\t$(CC) -o $@ $^\n' > "$1/Makefile"
    echo 'int one(int), two(int), three(int), four(int);' > "$1/include/all.h"
    for name in one two three four; do
        printf '#include "all.h"\nint %s(int n) { return n < 2 ? n : %s(n - 1) + %s(n - 2); }\n' $name $name $name > "$1/$name.c"
    done
    echo '#include "all.h"
int main(void) { return one(5) + two(5) + three(5) + four(5); }' > "$1/main.c"
}
run() { make -s > /dev/null; }
