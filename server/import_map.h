/* The mapping of `liftd import`: how the columns of somebody else's file become ours, from an INI file.
 *
 *   [lifts]                                   one section per kind; a line per column of ours:
 *   code = NYC-{DV_DEVICE_NUMBER}             text with {Their Column} in it; empty when one of these is
 * empty name_zh = {?HOUSE} {STREET} | squeeze     {?...} may be empty; | begins what is done to the text, in
 * order stage = {Status} | map stage              looked up in section [map stage]; empty stays empty
 *   rated_speed_mm_s = {FPM} | times 5.08 | round | optional
 *   last_inspection_on = {DATE} | date yyyymmdd
 *   maker = {MAKER} | blank ** ----           these words count as empty
 *   kind = passenger                          a constant
 *   _repeated = first                         lines that name the same thing again are folded into the first
 *   [columns]                                 columns of the mapping's own, usable as {boro} in the sections
 *   boro = {Borough} | map borough
 *   [map borough]
 *   Staten Island = SI                        * = X stands for everything else
 *
 * It is INI: the name before the first = or : may hold neither, and a ; after a space begins a remark.
 * `optional`: a value that can't be understood is noted and left unknown, instead of refusing the line.
 * `times` and `round` want a number; `date` takes y, m, d letters (yyyy mm dd) and any separators.
 */
#ifndef LIFTD_IMPORT_MAP_H
#define LIFTD_IMPORT_MAP_H

#include <stdbool.h>
#include <stddef.h>

#include "import_file.h"

/* Longest value made from one line's fields, bytes; most columns of one kind and of [columns]. */
#define IMPORT_VALUE_MAX_BYTES 4096
#define IMPORT_RULES_MAX 48

struct import_map;

/* Reads a mapping file. NULL: it can't be read or is wrong; error says where and why. */
struct import_map *import_map_open(const char *path, char *error, size_t error_bytes);

/* A mapping that takes every column as it is: what is used without a file. */
struct import_map *import_map_plain(void);

void import_map_close(struct import_map *map);

/* Whether the mapping has a section for this kind (the plain one has all). */
bool import_map_has(const struct import_map *map, const char *kind);

/* One column of ours, after import_map_bind. */
struct import_target {
    const char *name;
    bool optional;
};

/* Prepares for a file with this header. known: the columns of the kind. Every column used must exist on
 * either side; error says which doesn't. Afterwards *targets (valid until the next bind or close) are the
 * columns that the file fills. */
bool import_map_bind(struct import_map *map, const char *kind, const char *const *known, size_t known_count,
                     const struct import_record *header, const struct import_target **targets,
                     size_t *targets_count, char *error, size_t error_bytes);

/* Whether the section bound asks for repeated lines to be folded into the first. */
bool import_map_first(const struct import_map *map);

/* What is wrong with a value: a stable word and a sentence about the field. */
struct import_fault {
    const char *reason; /* NULL: nothing */
    char sentence[256];
};

/* The value of target number i for one record: text, "" when unknown. With a fault the text is "". The
 * answer lives until the next call. Call import_map_begin first for each record. */
void import_map_begin(struct import_map *map, const struct import_record *record);
const char *import_map_value(struct import_map *map, size_t i, struct import_fault *fault);

#endif
