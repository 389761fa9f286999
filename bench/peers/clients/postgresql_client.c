/* A job queue on PostgreSQL as its users build it: FOR UPDATE SKIP LOCKED, a state and a lease in the row.
 *
 *     postgresql_client fill FORM CONNECTION JOBS BATCH SECONDS
 *     postgresql_client work FORM CONNECTION BATCH SECONDS
 *
 * The form is `usual`, with the table of postgresql_schema.sql, or `tight`, with that of postgresql_tight.sql. It uses prepared statements, results in binary, one multi-row
 * insert for each transaction, and libpq's pipeline mode: the ack of a batch and the claim of the next travel in one
 * round trip and, up to the sync, are one transaction with one commit, as they are in Stint.
 *
 * `DELETE ... RETURNING` in a transaction that stays open while the jobs run would be faster, but it is not the same
 * work. Other connections cannot see that such a job runs, since when, or for which worker; the transaction holds back
 * vacuum for as long as the slowest job; and the count of attempts is lost with the worker. River, Oban and Stint commit
 * the claim. */
#include "bench.h"

#include <endian.h>
#include <libpq-fe.h>
#include <unistd.h>

static PGconn *connection;
static int is_tight;

static void check(PGresult *result, ExecStatusType expected) {
    if (PQresultStatus(result) != expected) {
        fail("%s: %s", PQresStatus(PQresultStatus(result)), PQerrorMessage(connection));
    }
}

static void prepare(const char *name, const char *statement) {
    PGresult *result = PQprepare(connection, name, statement, 0, NULL);
    check(result, PGRES_COMMAND_OK);
    PQclear(result);
}

static void fill(long jobs, int batch, int64_t limit) {
    /* As many rows as the array has: one statement, one transaction, one commit. */
    prepare("enqueue", is_tight ? "INSERT INTO jobs (queue, payload) SELECT 1, unnest($1::bytea[])"
                                : "INSERT INTO jobs (queue, payload) SELECT 'bench', unnest($1::bytea[])");
    static char array[largest_batch * (2 * payload_size + 8)];
    long put = 0;
    int64_t start = now();
    while (put < jobs && now() - start < limit) {
        int count = jobs - put < batch ? (int)(jobs - put) : batch;
        size_t size = 0;
        for (int index = 0; index < count; index++) {
            size += (size_t)sprintf(array + size, "%s%s", index ? "," : "{", payload);
        }
        strcpy(array + size, "}");
        const char *values[] = {array};
        PGresult *result = PQexecPrepared(connection, "enqueue", 1, values, NULL, NULL, 1);
        check(result, PGRES_COMMAND_OK);
        if (atoi(PQcmdTuples(result)) != count) fail("an insert of %d rows made %s", count, PQcmdTuples(result));
        PQclear(result);
        put += count;
    }
    report_fill(put, start);
}

static PGresult *next_result(ExecStatusType expected) {
    PGresult *result = PQgetResult(connection);
    check(result, expected);
    return result;
}

/* In pipeline mode the results of one statement end with a null. */
static void end_of_statement(void) {
    if (PQgetResult(connection)) fail("the server sends a result that nobody expects");
}

static void send_ack(const int64_t *ids, int held, const char *worker) {
    static char array[largest_batch * 21 + 2];
    size_t size = 0;
    for (int index = 0; index < held; index++) {
        size += (size_t)sprintf(array + size, "%s%lld", index ? "," : "{", (long long)ids[index]);
    }
    strcpy(array + size, "}");
    const char *values[] = {array, worker};
    if (!PQsendQueryPrepared(connection, "ack", 2, values, NULL, NULL, 1)) fail("%s", PQerrorMessage(connection));
}

static void read_ack(int held) {
    PGresult *result = next_result(PGRES_COMMAND_OK);
    if (atoi(PQcmdTuples(result)) != held) fail("an ack of %d jobs found %s", held, PQcmdTuples(result));
    PQclear(result);
    end_of_statement();
}

static int read_claim(int64_t *ids) {
    PGresult *result = next_result(PGRES_TUPLES_OK);
    int jobs = PQntuples(result);
    for (int row = 0; row < jobs; row++) {
        uint64_t id;
        memcpy(&id, PQgetvalue(result, row, 0), sizeof id);
        ids[row] = (int64_t)be64toh(id);
        if (PQgetlength(result, row, 2) != payload_size
            || memcmp(PQgetvalue(result, row, 2), payload, payload_size)) {
            fail("job %lld has another payload", (long long)ids[row]);
        }
    }
    PQclear(result);
    end_of_statement();
    return jobs;
}

static void work(int batch, int64_t limit) {
    char claim[1024], worker[32];
    snprintf(claim, sizeof claim,
             is_tight ? "WITH picked AS MATERIALIZED ("
                        "    SELECT ctid AS place FROM jobs WHERE queue = 1 AND state = 0"
                        "    ORDER BY priority, id LIMIT %d FOR UPDATE SKIP LOCKED)"
                        " UPDATE jobs SET state = 1, attempt = attempt + 1, leased_by = $1::int,"
                        "                 leased_until = now() + interval '30 seconds'"
                        " FROM picked WHERE jobs.ctid = picked.place RETURNING jobs.id, attempt, payload"
                      : "WITH picked AS ("
                        "    SELECT id FROM jobs WHERE queue = 'bench' AND state = 'ready'"
                        "    ORDER BY priority, id LIMIT %d FOR UPDATE SKIP LOCKED)"
                        " UPDATE jobs SET state = 'leased', attempt = attempt + 1, leased_by = $1::int,"
                        "                 leased_until = now() + interval '30 seconds'"
                        " FROM picked WHERE jobs.id = picked.id RETURNING jobs.id, attempt, payload", batch);
    prepare("claim", claim);
    /* Names the lease and not only the job: a worker whose lease has passed on changes nothing. */
    prepare("ack", is_tight ? "DELETE FROM jobs WHERE id = ANY($1::bigint[]) AND leased_by = $2::int AND state = 1"
                            : "DELETE FROM jobs WHERE id = ANY($1::bigint[]) AND leased_by = $2::int"
                              " AND state = 'leased'");
    snprintf(worker, sizeof worker, "%d", (int)getpid());
    const char *claim_values[] = {worker};
    int64_t ids[largest_batch];
    long done = 0;
    int held = 0, asks = 1;
    if (!PQenterPipelineMode(connection)) fail("libpq has no pipeline mode");
    int64_t gun = wait_for_gun();
    while (asks || held) {
        asks = asks && now() - gun < limit;
        if (!asks && !held) break;
        if (held) send_ack(ids, held, worker);
        if (asks && !PQsendQueryPrepared(connection, "claim", 1, claim_values, NULL, NULL, 1)) {
            fail("%s", PQerrorMessage(connection));
        }
        if (!PQpipelineSync(connection)) fail("%s", PQerrorMessage(connection));
        if (held) read_ack(held);
        int claimed = asks ? read_claim(ids) : 0;
        PQclear(next_result(PGRES_PIPELINE_SYNC));  /* committed, and on disk */
        done += held;
        held = claimed;
        if (held == 0) asks = 0;
    }
    report_work(done, gun);
}

int main(int count, char **arguments) {
    if (count < 6) {
        fail("usage: postgresql_client fill FORM CONNECTION JOBS BATCH SECONDS | work FORM CONNECTION BATCH SECONDS");
    }
    is_tight = !strcmp(arguments[2], "tight");
    connection = PQconnectdb(arguments[3]);
    if (PQstatus(connection) != CONNECTION_OK) fail("%s", PQerrorMessage(connection));
    if (is_tight) {
        /* As Stint's store has it: plans that were made from the statistics of an empty table are slow with a full one. */
        PGresult *result = PQexec(connection, "SET jit = off; SET enable_seqscan = off; SET enable_bitmapscan = off;"
                                              " SET enable_hashjoin = off; SET enable_mergejoin = off;"
                                              " SET plan_cache_mode = force_generic_plan");
        check(result, PGRES_COMMAND_OK);
        PQclear(result);
    }
    if (count == 7 && !strcmp(arguments[1], "fill")) {
        fill(atol(arguments[4]), batch_argument(arguments[5]), nanoseconds(arguments[6]));
    } else if (count == 6 && !strcmp(arguments[1], "work")) {
        work(batch_argument(arguments[4]), nanoseconds(arguments[5]));
    } else {
        fail("unknown command");
    }
    PQfinish(connection);
    return 0;
}
