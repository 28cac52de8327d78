/* Error documents after RFC 9457, for what is refused before or without asking the database. */
#include "problem.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    int status;
    const char *title;
} titles[] = {
    {400, "Bad Request"},         {401, "Unauthorized"},           {403, "Forbidden"},
    {404, "Not Found"},           {405, "Method Not Allowed"},     {413, "Content Too Large"},
    {414, "URI Too Long"},        {415, "Unsupported Media Type"}, {422, "Unprocessable Content"},
    {429, "Too Many Requests"},   {500, "Internal Server Error"},  {501, "Not Implemented"},
    {503, "Service Unavailable"},
};

const char *problem_title(int status) {
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        if (titles[i].status == status)
            return titles[i].title;
    return "Error";
}

char *problem_json(int status, const char *code, const char *detail, const char *field, size_t *bytes) {
    char type[100];
    snprintf(type, sizeof type, "urn:liftd:problem:%s", code);
    json_t *root = json_pack("{s:s, s:s, s:i, s:s, s:s}", "type", type, "title", problem_title(status),
                             "status", status, "detail", detail, "code", code);
    if (root && field)
        json_object_set_new(root, "errors", json_pack("[{s:s, s:s}]", "field", field, "detail", detail));
    char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
    json_decref(root);
    *bytes = text ? strlen(text) : 0;
    return text;
}
