<?php

// Checks the newsletter: report.php STINT DATABASE MAILDIR JOBS_PUT. Compares the member list, the mails and
// the queue with each other. Exit 0: nothing was lost and nothing was sent twice. Exit 1: what was wrong is printed.

declare(strict_types=1);

ini_set('display_errors', 'stderr');
ini_set('log_errors', '0');

[, $stint, $database, $maildir, $jobsPut] = $argv;
const MAX_ATTEMPTS = 3;  // as demo.sh enqueues them
const HEADERS = ['From', 'To', 'Subject', 'Date', 'Message-ID', 'X-Stint-Attempt', 'MIME-Version', 'Content-Type',
    'Content-Transfer-Encoding'];

$wrong = [];

function expect(bool $condition, string $otherwise): void
{
    if (!$condition) {
        $GLOBALS['wrong'][] = $otherwise;
    }
}

function stint(string ...$arguments): string
{
    global $stint, $database;
    $command = [$stint, array_shift($arguments), '--db', $database, ...$arguments];
    $process = proc_open($command, [1 => ['pipe', 'w']], $pipes);
    $output = stream_get_contents($pipes[1]);
    if (proc_close($process) !== 0) {
        throw new RuntimeException(implode(' ', $command) . ' failed');
    }
    return $output;
}

function json(string $text): array
{
    return json_decode($text, true, flags: JSON_THROW_ON_ERROR);
}

function lines(string $text): array
{
    return $text === '' ? [] : explode("\n", rtrim($text, "\n"));  // and nothing but LF is a line's end
}

function number(int $n): string
{
    return str_pad(number_format($n), 7, ' ', STR_PAD_LEFT);
}

// Control characters as pictures (␀ ␊ ␍); those that break a line or turn its direction as \u{…}.
function printable(string $text): string
{
    return preg_replace_callback('/[\p{Cc}\x{200e}\x{200f}\x{2028}-\x{202e}\x{2066}-\x{2069}]/u', function (array $match) {
        $code = hexdec(bin2hex(iconv('UTF-8', 'UCS-4BE', $match[0])));
        return $code < 32 ? iconv('UCS-4BE', 'UTF-8', pack('N', 0x2400 + $code)) : sprintf('\u{%x}', $code);
    }, $text) ?? bin2hex($text);
}

// Written independently of the handler: only these rows may end up buried.
function can_get_mail(?array $member): bool
{
    return $member !== null && ($member['mail'] ?? '') !== ''
        && !preg_match('/[\r\n\0]/', $member['name'] . $member['mail']);
}

// PHP's own message, without the path: "Error: Call to a member function getMail() on null".
function php_error(array $details): string
{
    $failure = end($details['failures'])['error'] ?? '';
    foreach ([$failure, $details['reason'] ?? ''] as $text) {
        if (preg_match('/Fatal error: +(?:Uncaught )?(?|(.+) in .+:\d+|(.+))$/m', $text, $match)) {
            return $match[1];
        }
    }
    $said = array_filter(array_map('trim', explode("\n", $failure ?: $details['reason'] ?? '')));
    return end($said) ?: '(no reason was kept)';
}

// MARK: the member list

$rows = $members = [];
foreach (lines(file_get_contents(__DIR__ . '/members.jsonl')) as $line) {
    $row = json($line);
    $rows[$row['id']] = $line;
    $members[$row['id']] = $row['member'];
}
$texts = require __DIR__ . '/texts.php';

// MARK: the mails

$delivered = [];
$sample = null;
foreach (array_diff(scandir("$maildir/new"), ['.', '..']) as $file) {
    $id = (int) $file;
    $delivered[$id] = ($delivered[$id] ?? 0) + 1;
    $member = $members[$id] ?? null;
    if (!can_get_mail($member)) {
        expect(false, "mail $file went out, but member $id cannot get one");
        continue;
    }
    [$head, $body] = explode("\r\n\r\n", file_get_contents("$maildir/new/$file"), 2);
    $body = base64_decode($body);
    // Unfolded first: PHP would lose the space between an encoded name and the address on the next line.
    $headers = iconv_mime_decode_headers(str_replace("\r\n ", ' ', $head), 0, 'UTF-8');
    [$greeting, $title] = $texts[$member['language']];
    $subject = str_replace('%s', $member['name'], $greeting) . ' ' . $title;

    expect(array_keys($headers) === HEADERS, "mail $file has other headers than the handler wrote");
    expect($headers['Subject'] === $subject, "mail $file: the subject is '{$headers['Subject']}', not '$subject'");
    expect($headers['To'] === "{$member['name']} <{$member['mail']}>", "mail $file went to '{$headers['To']}'");
    foreach ([$member['name'], $member['city'], ...$member['groups']] as $text) {
        expect(str_contains($body, $text), "mail $file: '$text' is not in its text");
    }
    if ($member['language'] === 'ka' && $sample === null) {
        $sample = [$head, $headers['Subject']];
    }
}
foreach ($delivered as $id => $count) {
    expect($count === 1, "member $id got $count mails");
}
$unfinished = count(scandir("$maildir/tmp")) - 2;
expect($unfinished === 0, "$unfinished half-written mails are in $maildir/tmp");

// MARK: the buried jobs

$buried = [];
foreach (lines(stint('list', '--queue', 'newsletter', '--state', 'buried', '--limit', $jobsPut, '--json')) as $line) {
    $job = json($line);
    $id = (string) $job['id'];
    $payload = stint('show', $id, '--payload');
    $member = json($payload)['id'];
    $error = php_error(json(stint('show', $id, '--json')));
    $buried[$member] = ['job' => $id, 'attempts' => $job['attempts'], 'error' => $error];

    expect($payload === $rows[$member], "job $id: its payload is not, byte for byte, the line that was put");
    expect($job['attempts'] === MAX_ATTEMPTS, "job $id was buried after {$job['attempts']} attempts, not " . MAX_ATTEMPTS);
    expect(!can_get_mail($members[$member]), "job $id was buried, but member $member can get mail");
    expect(!isset($delivered[$member]), "member $member got a mail, and job $id is buried all the same");
}
foreach (array_diff_key($members, $delivered, $buried) as $id => $member) {
    expect(false, "member $id got no mail, and no job of theirs is buried: lost");
}

// MARK: the sums

$stats = array_column(json(stint('stats', '--json'))['queues'], null, 'name')['newsletter'];
$jobsPut = (int) $jobsPut;
$mails = array_sum($delivered);
expect($jobsPut === count($rows), "$jobsPut jobs were put, for " . count($rows) . ' members');
expect($mails + count($buried) === $jobsPut, "$mails mails and " . count($buried) . " buried jobs do not add up to $jobsPut");
expect($stats['done'] === $mails, "the queue counts {$stats['done']} jobs done, but $mails mails were delivered");
expect($stats['buried'] === count($buried), "the queue counts {$stats['buried']} buried, and lists " . count($buried));
foreach (['ready', 'delayed', 'leased'] as $state) {
    expect($stats[$state] === 0, "{$stats[$state]} jobs are still $state");
}

echo number($jobsPut), " jobs put\n", number($mails), " mails delivered\n";
echo number(count($buried)), " jobs buried, and why:\n\n";
foreach ($buried as $id => $job) {
    $name = $members[$id] === null ? '(deleted)' : printable($members[$id]['name']);
    echo str_pad("  job {$job['job']}", 12), "member $id  $name\n";
    echo str_repeat(' ', 12), "{$job['attempts']} attempts; {$job['error']}\n";
}
if ($sample !== null) {
    echo "\nOne of the mails, as it was sent:\n\n  ", str_replace("\r\n", "\n  ", $sample[0]), "\n\n";
    echo "  Subject, decoded: $sample[1]\n";
}

echo "\n";
if ($wrong !== []) {
    echo count($wrong), " things are wrong:\n";
    foreach (array_slice($wrong, 0, 20) as $line) {
        echo '  ', printable($line), "\n";
    }
    exit(1);
}
echo stream_isatty(STDOUT) ? "\e[1;32mNothing was lost, nothing was sent twice.\e[0m\n" : "Nothing was lost, nothing was sent twice.\n";
