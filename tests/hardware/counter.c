/* Counts the instructions that an emulated process executes: a TCG plug-in for qemu's user mode.
 *
 * At its end a process adds a line to FILE of `out=FILE`: how many instructions it executed, and how
 * many it had at each mark. A mark is any system call whose first argument is MARK, such as closing
 * a file of that number, which is none. A block of instructions counts as a whole when it is entered.
 *
 * Debian has no qemu-plugin.h, so that what is used of it is declared here. These declarations are
 * the same in all versions of the interface; qemu refuses a plug-in of a VERSION that it does not
 * speak. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MOST_MARKS 256

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;

void qemu_plugin_register_vcpu_tb_trans_cb(
    qemu_plugin_id_t, void (*)(qemu_plugin_id_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_cb(
    struct qemu_plugin_tb *, void (*)(unsigned int, void *), int flags, void *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
void qemu_plugin_register_vcpu_syscall_cb(
    qemu_plugin_id_t,
    void (*)(qemu_plugin_id_t, unsigned int, int64_t, uint64_t, uint64_t, uint64_t, uint64_t,
             uint64_t, uint64_t, uint64_t, uint64_t));
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, void *), void *);

int qemu_plugin_version = VERSION;

static char path[4096];
static uint64_t executed, marks[MOST_MARKS];
static unsigned int marked;

static void enter(unsigned int processor, void *instructions)
{
    (void)processor;
    __atomic_fetch_add(&executed, (uintptr_t)instructions, __ATOMIC_RELAXED);
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    (void)id;
    uintptr_t instructions = qemu_plugin_tb_n_insns(block);
    qemu_plugin_register_vcpu_tb_exec_cb(block, enter, 0, (void *)instructions);
}

static void call(qemu_plugin_id_t id, unsigned int processor, int64_t number, uint64_t first,
                 uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f, uint64_t g, uint64_t h)
{
    (void)id, (void)processor, (void)number;
    (void)b, (void)c, (void)d, (void)e, (void)f, (void)g, (void)h;
    if (first == MARK && marked < MOST_MARKS)
        marks[marked++] = __atomic_load_n(&executed, __ATOMIC_RELAXED);
}

static void end(qemu_plugin_id_t id, void *nothing)
{
    (void)id, (void)nothing;
    FILE *file = fopen(path, "a");
    if (!file)
        return;
    fprintf(file, "%" PRIu64, executed);
    for (unsigned int mark = 0; mark < marked; mark++)
        fprintf(file, " %" PRIu64, marks[mark]);
    fprintf(file, "\n");
    fclose(file);
}

int qemu_plugin_install(qemu_plugin_id_t id, const void *about, int count, char **arguments)
{
    (void)about;
    if (count != 1 || strncmp(arguments[0], "out=", 4) || strlen(arguments[0]) >= sizeof path)
        return 1;
    strcpy(path, arguments[0] + 4);
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
    qemu_plugin_register_vcpu_syscall_cb(id, call);
    qemu_plugin_register_atexit_cb(id, end, NULL);
    return 0;
}
