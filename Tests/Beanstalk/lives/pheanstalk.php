<?php
// Jobs with Pheanstalk: php pheanstalk.php HOST PORT life | hold TUBE
declare(strict_types=1);

use Pheanstalk\Exception\DeadlineSoonException;
use Pheanstalk\Exception\JobTooBigException;
use Pheanstalk\Exception\ServerException;
use Pheanstalk\JobId;
use Pheanstalk\Pheanstalk;

require_once 'Pheanstalk/autoload.php';

$checks = 0;

function client(): Pheanstalk
{
    global $argv;
    return Pheanstalk::create($argv[1], (int) $argv[2]);
}

function equal(string $what, $found, $expected): void
{
    global $checks;
    $checks++;
    if ($found !== $expected) {
        throw new Exception($what . ': ' . substr(var_export($found, true), 0, 300) . ', and '
            . substr(var_export($expected, true), 0, 300) . ' is expected');
    }
}

function fails(string $what, string $kind, callable $call): void
{
    global $checks;
    $checks++;
    try {
        $call();
    } catch (Throwable $error) {
        if ($error instanceof $kind) {
            return;
        }
        throw $error;
    }
    throw new Exception("$what: $kind is expected");
}

function hold(string $tube): void
{
    $holder = client()->watchOnly($tube);
    echo $holder->reserveWithTimeout(10)->getId(), "\n";
    sleep(1000);
}

function values($stats, string ...$keys): array
{
    return array_map(fn ($key) => (string) $stats[$key], $keys);
}

function life(): void
{
    global $checks;
    $producer = client()->useTube('mail');
    $worker = client()->watchOnly('mail');
    $other = client()->watchOnly('mail');

    foreach ([['last', 4294967295], ['second', 5], ['third', 5], ['first', 0]] as [$body, $priority]) {
        $producer->put($body, $priority);
    }
    foreach (['first', 'second', 'third', 'last'] as $body) {
        $job = $worker->reserveWithTimeout(0);
        equal('the order', $job->getData(), $body);
        $worker->delete($job);
    }
    equal('an empty tube', $worker->reserveWithTimeout(0), null);

    $bytes = str_repeat(implode('', array_map('chr', range(0, 255))), 3);
    foreach ([$bytes, '', "\r\n", "a\r\nquit\r\n", "Gr\xfc\xdfe", str_repeat('x', 65535), str_repeat("\xff\xfe", 10000)] as $body) {
        $id = $producer->put($body)->getId();
        equal('a peek', $producer->peek(new JobId($id))->getData(), $body);
        $job = $worker->reserveWithTimeout(0);
        equal('a body', [$job->getId(), $job->getData()], [$id, $body]);
        $worker->delete($job);
    }
    fails('a job too big', JobTooBigException::class, fn () => $producer->put(str_repeat('x', 65536)));

    $begin = microtime(true);
    $id = $producer->put('delayed', 1024, 1)->getId();
    equal('the delayed job', $producer->peekDelayed()->getId(), $id);
    equal('before the delay ends', $worker->reserveWithTimeout(0), null);
    $job = $worker->reserveWithTimeout(5);
    equal('after the delay', [$job->getId(), microtime(true) - $begin >= 0.99], [$id, true]);

    $begin = microtime(true);
    $worker->release($job, 7, 1);
    equal('released', values($producer->statsJob($job), 'state', 'pri', 'delay', 'releases'), ['delayed', '7', '1', '1']);
    $job = $worker->reserveWithTimeout(5);
    equal('released and reserved', [$job->getId(), microtime(true) - $begin >= 0.99], [$id, true]);

    $worker->bury($job, 9);
    equal('the buried job', $producer->peekBuried()->getData(), 'delayed');
    equal('buried jobs are not reserved', $worker->reserveWithTimeout(0), null);
    equal('kicked', $producer->kick(10), 1);
    equal('after a kick', values($producer->statsJob($job), 'state', 'pri', 'reserves', 'buries', 'kicks', 'tube'),
        ['ready', '9', '2', '1', '1', 'mail']);
    $worker->bury($worker->reserveWithTimeout(0));
    $producer->kickJob($job);
    equal('the ready job', $producer->peekReady()->getId(), $id);
    $job = $worker->reserveWithTimeout(0);
    fails("another connection's job", ServerException::class, fn () => $other->delete($job));
    fails("another connection's job", ServerException::class, fn () => $other->release($job));
    $worker->delete($job);
    fails('a deleted job', ServerException::class, fn () => $worker->delete($job));

    $producer->put('touched', 1024, 0, 2);
    $job = $worker->reserveWithTimeout(0);
    foreach ([1, 2] as $_) {
        usleep(1200000);
        $worker->touch($job);
    }
    equal('touched', values($worker->statsJob($job), 'timeouts'), ['0']);
    $worker->delete($job);

    // The end of the time to run. beanstalkd 1.12 may see it only when the connection sends something.
    $producer->put('timed out', 1024, 0, 1);
    $job = $worker->reserveWithTimeout(0);
    fails('within its last second', DeadlineSoonException::class, fn () => $worker->reserveWithTimeout(0));
    usleep(1100000);
    $worker->listTubes();
    $again = $other->reserveWithTimeout(5);
    equal('timed out', [$again->getId(), (string) $other->statsJob($again)['timeouts']], [$job->getId(), '1']);
    fails('its lease is lost', ServerException::class, fn () => $worker->touch($job));
    fails('its lease is lost', ServerException::class, fn () => $worker->bury($job));
    unset($other);
    gc_collect_cycles();
    equal("a closed connection's job", $worker->reserveWithTimeout(5)->getId(), $job->getId());
    $worker->delete($job);

    $worker->watch('more');
    equal('watched', $worker->listTubesWatched(true), ['mail', 'more']);
    $worker->ignore('more');
    fails('the last tube', ServerException::class, fn () => $worker->ignore('mail'));
    fails('a tube that is not there', ServerException::class, fn () => $worker->statsTube('more'));
    equal('used', $producer->listTubeUsed(true), 'mail');
    $producer->put('paused');
    $producer->pauseTube('mail', 1000);
    equal('a paused tube', $worker->reserveWithTimeout(0), null);
    $producer->resumeTube('mail');
    $job = $worker->reserveWithTimeout(5);
    equal('a tube', values($producer->statsTube('mail'), 'name', 'current-jobs-reserved', 'current-using'), ['mail', '1', '1']);
    $worker->delete($job);
    equal('the server', values($producer->stats(), 'current-jobs-ready', 'current-jobs-reserved', 'job-timeouts', 'draining'),
        ['0', '0', '1', 'false']);
    echo "$checks checks\n";
}

$argv[3] === 'hold' ? hold($argv[4]) : life();
