/*
 * kafka_access - who may do what at the broker: passwords and access lists. What a broker is told once by an operator,
 * with the rights of its administrator.
 */
#ifndef WAYBILL_KAFKA_ACCESS_H
#define WAYBILL_KAFKA_ACCESS_H

#include "kafka.h"

/* A user and what it logs in with, by SCRAM-SHA-512. */
struct kafka_login {
    const char *user;
    const char *password;
};

/* What a user may do with a topic, or as a member of a group. Whoever reads or writes may also look. */
enum kafka_deed { KAFKA_READ, KAFKA_WRITE, KAFKA_CREATE, KAFKA_JOIN };

struct kafka_right {
    const char *user;
    enum kafka_deed deed;
    const char *name; /* of the topic, or for KAFKA_JOIN of the group */
    bool is_prefix;   /* and of all whose names begin like that */
};

/* Sets passwords; those of other users stay. Gives what each user has now a new salt. False, with a log line, when the
 * broker can't be asked or refuses, or when the library is too old for it (librdkafka 2.2). */
bool kafka_set_passwords(const struct kafka_options *options, const struct kafka_login *logins, size_t count) MUST_USE;

/* Gives rights; those that are there stay. False, with a log line, when the broker can't be asked or refuses. */
bool kafka_grant(const struct kafka_options *options, const struct kafka_right *rights, size_t count) MUST_USE;

#endif
