/* PURE: the one sentence, in Chinese and English, that tells a dispatcher why an alarm rang or ended. */
#ifndef LIFTD_TEXT_H
#define LIFTD_TEXT_H

#include "conditions.h"

/* Fills t->text_zh and t->text_en. lift_ms: the lift's time of the transition; heard_ago_ms: age of its
 * values. */
void text_raise(struct transition *t, const struct rule_row *row, const struct facts *f, int64_t lift_ms,
                int64_t heard_ago_ms);
/* suppressed: the service mode ended it, not the condition. */
void text_clear(struct transition *t, const struct rule_row *row, const struct facts *f, bool suppressed);

#endif
