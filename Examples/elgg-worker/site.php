<?php
// The site: somebody comments on a post, and everybody who follows it gets a mail. Each mail is a job.
//
//     php site.php HOST PORT
declare(strict_types=1);

require_once 'Pheanstalk/autoload.php';

$queue = Pheanstalk\Pheanstalk::create($argv[1], (int) $argv[2])->useTube('notifications');

$posts = [41 => 'Garden fête', 42 => 'Lost & found', 43 => 'Überraschung'];
$members = ['ann', 'bo', 'chloé', '王秀英'];
foreach ($posts as $guid => $_) {
    foreach ($members as $member) {
        $queue->put(json_encode(['object' => $guid, 'member' => $member], JSON_UNESCAPED_UNICODE));
    }
    if ($guid === 41) {
        // Post 40 was deleted after somebody had commented on it, and before the worker came to the job.
        $queue->put(json_encode(['object' => 40, 'member' => 'ann']));
    }
}
