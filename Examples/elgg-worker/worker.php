<?php
// The worker: one mail for each job, until there is nothing left for a second. A line in the file is a mail.
//
//     php worker.php HOST PORT FILE
declare(strict_types=1);

require_once 'Pheanstalk/autoload.php';

/** A post, as the site's library has it. */
final class Post
{
    public function __construct(private string $title)
    {
    }

    public function title(): string
    {
        return $this->title;
    }
}

/** @return Post|null  Nothing if there is no such post, as get_entity() in Elgg. */
function find(int $guid): ?Post
{
    $titles = [41 => 'Garden fête', 42 => 'Lost & found', 43 => 'Überraschung'];
    return isset($titles[$guid]) ? new Post($titles[$guid]) : null;
}

$queue = Pheanstalk\Pheanstalk::create($argv[1], (int) $argv[2])->watchOnly('notifications');
while ($job = $queue->reserveWithTimeout(1)) {
    ['object' => $guid, 'member' => $member] = json_decode($job->getData(), true, 512, JSON_THROW_ON_ERROR);
    // The mistake: nobody checks that the post is there. PHP ends here, and neither bury nor release is called.
    $title = find($guid)->title();
    file_put_contents($argv[3], "To: $member; somebody has commented on \"$title\"\n", FILE_APPEND | LOCK_EX);
    $queue->delete($job);
}
