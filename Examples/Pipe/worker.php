<?php

// Sends mail from one process that stays alive: `stint work --queue mail --pipe -- php worker.php SENT`.
//
// Stint writes one job a line to standard input and reads one answer a line from standard output; see
// docs/pipe-protocol.md. What takes long to load is loaded once, before the first job. Each mail becomes one line at the
// end of the file SENT.
//
// Nothing here checks whether the member still exists. On such a job the process dies of PHP's own fatal error (exit
// code 255). That is the point: a dead process cannot bury its job, so Stint counts the death, starts a new process for
// the next job, and buries the job that kills it again and again.

declare(strict_types=1);

ini_set('display_errors', 'stderr');  // standard output is for answers only
ini_set('log_errors', '0');           // and Stint needs the error once only
// A stray echo, or text before the `<?php` of some include, must not get between the answers.
ob_start(function (string $text): string {
    fwrite(STDERR, $text);
    return '';
}, 1);

final class BadJob extends RuntimeException {}          // will never work: bury it
final class MailServerDown extends RuntimeException {}  // may work later: retry

final class Member
{
    public function __construct(private array $row) {}
    public function getName(): string { return $this->row['name']; }
    public function getMail(): string { return $this->row['mail']; }
}

// A stand-in for the site's database: the row is in the payload. Null if the member was deleted meanwhile.
function load_member(array $payload): ?Member
{
    return isset($payload['member']) ? new Member($payload['member']) : null;
}

function read_payload(array $job): array
{
    $text = $job['payload'] ?? base64_decode($job['payloadBase64'], true);
    try {
        $payload = json_decode($text, true, flags: JSON_THROW_ON_ERROR);
    } catch (JsonException $error) {
        throw new BadJob('the payload is not JSON: ' . $error->getMessage());
    }
    return is_array($payload) ? $payload : throw new BadJob('the payload is not a JSON object');
}

// A stand-in for a mail server. Several workers may append to the file at once.
function send(string $sent, array $payload, string $line): void
{
    if (($payload['mailServer'] ?? 'up') === 'down') {
        throw new MailServerDown('the mail server does not answer');
    }
    if (file_put_contents($sent, "$line\n", FILE_APPEND | LOCK_EX) !== strlen($line) + 1) {
        throw new RuntimeException("cannot write to $sent");
    }
}

// The answer to a job. An error that is not caught here ends the process.
function verdict_on(array $job, string $sent): array
{
    try {
        $payload = read_payload($job);
        $member = load_member($payload);
        $address = $member->getMail();  // the famous line: "Call to a member function getMail() on null"
        if (filter_var($address, FILTER_VALIDATE_EMAIL) === false) {
            throw new BadJob("'$address' is not a mail address");
        }
        $mail = json_encode(
            ['job' => $job['id'], 'to' => $address, 'name' => $member->getName()],
            JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_THROW_ON_ERROR);
        send($sent, $payload, $mail);
    } catch (BadJob $error) {
        return ['verdict' => 'bury', 'error' => $error->getMessage()];
    } catch (MailServerDown $error) {
        return ['verdict' => 'retry', 'delay' => 1.5, 'error' => $error->getMessage()];
    }
    if (!isset($payload['copyTo'])) {
        return ['verdict' => 'done'];
    }
    // Enqueued together with the acknowledgement: there is never one without the other.
    $copy = ['queue' => $payload['copyTo'], 'payload' => $mail, 'contentType' => 'application/json'];
    return ['verdict' => 'done', 'enqueue' => [$copy]];
}

function answer(array $job, array $verdict): void
{
    // An address may have been bytes that are not UTF-8; json_encode would refuse the whole answer for them.
    $line = json_encode(
        ['id' => $job['id'], 'token' => $job['token']] + $verdict, JSON_INVALID_UTF8_SUBSTITUTE | JSON_THROW_ON_ERROR);
    if (fwrite(STDOUT, "$line\n") !== strlen($line) + 1 || !fflush(STDOUT)) {
        throw new RuntimeException('cannot write an answer');
    }
}

$sent = $argv[1] ?? throw new LogicException('usage: worker.php SENT < jobs');
// Here a framework would boot.
fwrite(STDERR, 'worker.php: ready, process ' . getmypid() . "\n");

// At the end of standard input nothing is left to do: each job was answered before the next was read.
while (($line = fgets(STDIN)) !== false) {
    $job = json_decode($line, true, flags: JSON_THROW_ON_ERROR);
    answer($job, verdict_on($job, $sent));
}
