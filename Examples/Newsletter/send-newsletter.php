<?php

// Sends the newsletter to one member: `stint work --queue newsletter -- php send-newsletter.php MAILDIR`.
//
// Stint starts this once for each job, with the payload on standard input and facts about the job in STINT_* variables.
// Exit 0 means sent. The script is as naive as the one in a real site: nothing checks whether the member still exists,
// and on bad data it simply dies of PHP's own fatal error (exit code 255). That is the point: a dead script cannot bury
// its own job, so the worker that watches it has to.

declare(strict_types=1);

ini_set('display_errors', 'stderr');  // the worker keeps the last lines of standard error with the job
ini_set('log_errors', '0');           // and needs them once only

// An entity as in frameworks: a field that is not in the row is returned as null, whatever the signature promises.
final class Member
{
    public function __construct(private array $row) {}
    public function getName(): string { return $this->row['name']; }
    public function getMail(): string { return $this->row['mail'] ?? null; }
    public function getLanguage(): string { return $this->row['language']; }
    public function getCity(): string { return $this->row['city']; }
    public function getJoined(): string { return $this->row['joined']; }
    public function getGroups(): array { return $this->row['groups']; }
}

// A stand-in for the site's database: the row is in the payload. Null if the member was deleted meanwhile, as
// such functions return. A worker has no session and no logged-in user: the recipient can only come from the job.
function load_member(array $job): ?Member
{
    return $job['member'] === null ? null : new Member($job['member']);
}

// As in any mail library: rejects names and addresses that would add headers.
final class Mail
{
    private string $headers = '';

    public function header(string $name, string $value): void
    {
        $this->headers .= "$name: " . self::clean($name, $value) . "\r\n";
    }

    // Names UTF-8 at every step, so that no locale or php.ini matters.
    public function encodedHeader(string $name, string $text, string $after = ''): void
    {
        $this->headers .= iconv_mime_encode($name, self::clean($name, $text), [
            'scheme' => 'B', 'input-charset' => 'UTF-8', 'output-charset' => 'UTF-8', 'line-break-chars' => "\r\n",
        ]) . $after . "\r\n";
    }

    public function address(string $name, string $displayName, string $address): void
    {
        if (filter_var(self::clean($name, $address), FILTER_VALIDATE_EMAIL) === false) {
            throw new InvalidArgumentException("$name: '$address' is not a mail address");
        }
        $this->encodedHeader($name, $displayName, "\r\n <$address>");
    }

    public function render(string $body): string
    {
        return $this->headers . "\r\n" . chunk_split(base64_encode($body), 76, "\r\n");
    }

    private static function clean(string $name, string $value): string
    {
        if (strpbrk($value, "\r\n") !== false) {
            throw new InvalidArgumentException("$name: a line break in a header");
        }
        if (str_contains($value, "\0")) {
            throw new InvalidArgumentException("$name: a NUL in a header");
        }
        return $value;
    }
}

// As maildir requires: complete in tmp/ first, then renamed, so that new/ never shows half a mail. The process id in
// the name keeps a second mail to the same member from hiding the first: the report counts files a member.
function deliver(string $maildir, string $name, string $mail): void
{
    if (file_exists("$maildir/new/$name")) {
        throw new RuntimeException("$name was delivered before");
    }
    if (file_put_contents("$maildir/tmp/$name", $mail) !== strlen($mail)
        || !rename("$maildir/tmp/$name", "$maildir/new/$name")) {
        throw new RuntimeException("cannot deliver to $maildir");
    }
}

$maildir = $argv[1] ?? throw new LogicException('usage: send-newsletter.php MAILDIR < job');
$jobID = getenv('STINT_JOB_ID') ?: throw new LogicException('STINT_JOB_ID is missing: run this with `stint work`');
$job = json_decode(stream_get_contents(STDIN), true, flags: JSON_THROW_ON_ERROR);

$member = load_member($job);
$address = $member->getMail();  // the famous line: "Call to a member function getMail() on null"
[$greeting, $title] = (require __DIR__ . '/texts.php')[$member->getLanguage()];
$greeting = sprintf($greeting, $member->getName());

$mail = new Mail();
$mail->address('From', 'The Gated Garden · Сад · 花园', 'newsletter@garden.example');
$mail->address('To', $member->getName(), $address);
$mail->encodedHeader('Subject', "$greeting $title");
$mail->header('Date', gmdate(DATE_RFC2822));
// The same at every attempt: if a mail is ever sent twice, the receiving server can detect it.
$mail->header('Message-ID', "<newsletter-7.job-$jobID@garden.example>");
$mail->header('X-Stint-Attempt', getenv('STINT_ATTEMPT') ?: '?');
$mail->header('MIME-Version', '1.0');
$mail->header('Content-Type', 'text/plain; charset=UTF-8');
$mail->header('Content-Transfer-Encoding', 'base64');

$news = implode("\r\n", array_map(fn(string $group) => "  * $group", $member->getGroups()));
$body = "$greeting\r\n\r\nYou have been with us since {$member->getJoined()}. There is news in your groups:\r\n\r\n"
    . "$news\r\n\r\nThe next meeting near {$member->getCity()} is on Friday.\r\n";
deliver($maildir, "{$job['id']}.$jobID." . getmypid(), $mail->render($body));
