/* Fuzz target: MQTT topics. An accepted topic is exactly what its parts spell. */
#include "../../ingest/decode.h"
#include "../../ingest/require.h"
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1); /* exactly as long as the topic, so that reading past its end shows */
    REQUIRE(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    struct topic topic;
    enum decode_status status = decode_topic(text, &topic);
    REQUIRE(status == DECODE_OK || status == DECODE_TOPIC);
    if (status == DECODE_OK) {
        char again[2 * TOPIC_NAME_MAX + 32];
        snprintf(again, sizeof again, "lift/v1/%s/%s/%s", topic.area, topic.device,
                 topic.kind == TOPIC_UP ? "up" : "presence");
        REQUIRE(strcmp(again, text) == 0);
    }
    free(text);
    return 0;
}
