/*
 * kafka_access - requests to the broker's administrator, one at a time, each on a connection of its own.
 */
#include "kafka_access.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kafka_handle.h"
#include "log.h"

#define ADMIN_MS 3000
#define USER_MAX 256
#define SCRAM_ITERATIONS 8192
#define SCRAM_VERSION 0x02020000 /* the library from which on it can set passwords */

/* One request: sent through the queue, whose event is its answer. */
struct request {
    rd_kafka_t *handle;
    rd_kafka_AdminOptions_t *options;
    rd_kafka_queue_t *queue;
    rd_kafka_event_t *answer;
};

static bool request_open(struct request *request, const struct kafka_options *options, rd_kafka_admin_op_t what)
{
    char why[KAFKA_REASON_MAX];
    rd_kafka_conf_t *conf = kafka_conf_new(options, NULL, NULL, NULL);

    *request = (struct request){0};
    request->handle = conf != NULL ? kafka_handle_new(RD_KAFKA_PRODUCER, conf) : NULL;
    if (request->handle == NULL)
        return false;
    request->queue = rd_kafka_queue_new(request->handle);
    request->options = rd_kafka_AdminOptions_new(request->handle, what);
    return rd_kafka_AdminOptions_set_request_timeout(request->options, ADMIN_MS, why, sizeof(why)) ==
           RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* False with a log line when there is no answer to read. */
static bool request_wait(struct request *request)
{
    request->answer = rd_kafka_queue_poll(request->queue, ADMIN_MS + 1000);
    if (request->answer != NULL && rd_kafka_event_error(request->answer) == RD_KAFKA_RESP_ERR_NO_ERROR)
        return true;
    log_warning(NULL, "the broker did not do what was asked",
                LOG_TEXT("why", request->answer != NULL ? rd_kafka_event_error_string(request->answer) : "no answer"));
    return false;
}

static void request_close(struct request *request)
{
    if (request->answer != NULL)
        rd_kafka_event_destroy(request->answer);
    if (request->options != NULL)
        rd_kafka_AdminOptions_destroy(request->options);
    if (request->queue != NULL)
        rd_kafka_queue_destroy(request->queue);
    if (request->handle != NULL)
        rd_kafka_destroy(request->handle);
}

/* Whether one thing of a request was done; takes nothing over. */
static bool was_done(const char *what, const char *user, const rd_kafka_error_t *error)
{
    if (error == NULL || rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR_NO_ERROR)
        return true;
    log_error(NULL, "the broker refused", LOG_TEXT("what", what), LOG_TEXT("user", user),
              LOG_TEXT("why", rd_kafka_error_string(error)));
    return false;
}

/* --- passwords --- */

#if RD_KAFKA_VERSION >= SCRAM_VERSION

static bool passwords_were_set(const rd_kafka_event_t *answer)
{
    size_t count = 0;
    bool good = true;
    const rd_kafka_AlterUserScramCredentials_result_response_t **responses =
        rd_kafka_AlterUserScramCredentials_result_responses(
            rd_kafka_event_AlterUserScramCredentials_result((rd_kafka_event_t *)(uintptr_t)answer), &count);

    for (size_t i = 0; i < count; i++)
        good = was_done("to set a password", rd_kafka_AlterUserScramCredentials_result_response_user(responses[i]),
                        rd_kafka_AlterUserScramCredentials_result_response_error(responses[i])) &&
               good;
    return good;
}

bool kafka_set_passwords(const struct kafka_options *options, const struct kafka_login *logins, size_t count)
{
    struct request request;
    rd_kafka_UserScramCredentialAlteration_t **changes =
        calloc(count + 1, sizeof(rd_kafka_UserScramCredentialAlteration_t *));
    bool good = request_open(&request, options, RD_KAFKA_ADMIN_OP_ALTERUSERSCRAMCREDENTIALS);

    assert(changes != NULL);
    for (size_t i = 0; i < count; i++)
        changes[i] = rd_kafka_UserScramCredentialUpsertion_new(
            logins[i].user, RD_KAFKA_SCRAM_MECHANISM_SHA_512, SCRAM_ITERATIONS,
            (const unsigned char *)logins[i].password, strlen(logins[i].password), NULL, 0);
    if (good) {
        rd_kafka_AlterUserScramCredentials(request.handle, changes, count, request.options, request.queue);
        good = request_wait(&request) && passwords_were_set(request.answer);
    }
    rd_kafka_UserScramCredentialAlteration_destroy_array(changes, count);
    free(changes);
    request_close(&request);
    return good;
}

#else

bool kafka_set_passwords(const struct kafka_options *options UNUSED, const struct kafka_login *logins UNUSED,
                         size_t count UNUSED)
{
    log_error(NULL, "this version of librdkafka cannot set passwords", LOG_TEXT("version", rd_kafka_version_str()));
    return false;
}

#endif

/* --- rights --- */

static rd_kafka_AclBinding_t *binding_new(const struct kafka_right *right)
{
    static const rd_kafka_AclOperation_t operations[] = {
        [KAFKA_READ] = RD_KAFKA_ACL_OPERATION_READ,
        [KAFKA_WRITE] = RD_KAFKA_ACL_OPERATION_WRITE,
        [KAFKA_CREATE] = RD_KAFKA_ACL_OPERATION_CREATE,
        [KAFKA_JOIN] = RD_KAFKA_ACL_OPERATION_READ,
    };
    char principal[USER_MAX];
    char why[KAFKA_REASON_MAX];

    (void)snprintf(principal, sizeof(principal), "User:%s", right->user);
    rd_kafka_AclBinding_t *binding = rd_kafka_AclBinding_new(
        right->deed == KAFKA_JOIN ? RD_KAFKA_RESOURCE_GROUP : RD_KAFKA_RESOURCE_TOPIC, right->name,
        right->is_prefix ? RD_KAFKA_RESOURCE_PATTERN_PREFIXED : RD_KAFKA_RESOURCE_PATTERN_LITERAL, principal, "*",
        operations[right->deed], RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW, why, sizeof(why));
    if (binding == NULL)
        log_error(NULL, "this right cannot be given", LOG_TEXT("user", right->user), LOG_TEXT("why", why));
    return binding;
}

static bool rights_were_given(const rd_kafka_event_t *answer, const struct kafka_right *rights)
{
    size_t count = 0;
    bool good = true;
    const rd_kafka_acl_result_t **results = rd_kafka_CreateAcls_result_acls(
        rd_kafka_event_CreateAcls_result((rd_kafka_event_t *)(uintptr_t)answer), &count);

    for (size_t i = 0; i < count; i++)
        good = was_done("to give a right", rights[i].user, rd_kafka_acl_result_error(results[i])) && good;
    return good;
}

bool kafka_grant(const struct kafka_options *options, const struct kafka_right *rights, size_t count)
{
    struct request request;
    rd_kafka_AclBinding_t **bindings = calloc(count + 1, sizeof(rd_kafka_AclBinding_t *));
    size_t made = 0;
    bool good = request_open(&request, options, RD_KAFKA_ADMIN_OP_CREATEACLS);

    assert(bindings != NULL);
    while (made < count && (bindings[made] = binding_new(&rights[made])) != NULL)
        made++;
    if (good && made == count) {
        rd_kafka_CreateAcls(request.handle, bindings, count, request.options, request.queue);
        good = request_wait(&request) && rights_were_given(request.answer, rights);
    } else {
        good = false;
    }
    rd_kafka_AclBinding_destroy_array(bindings, made);
    free(bindings);
    request_close(&request);
    return good;
}
