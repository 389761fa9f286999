#!/usr/bin/env python3
"""Writes members.jsonl: 2,000 members of a social network, one JSON object a line, invalid rows included.

    python3 make-members.py > members.jsonl

The same lines come out on every machine and Python from 3.8: the only source of chance is `Random.random()`, whose
sequence Python promises to keep (`choice` and `sample` may change). The members are made up (a likeness is chance), and
every address is in a domain that RFC 2606 sets aside for examples.

A line is {"id": …, "member": {"name", "mail", "language", "city", "joined", "groups"}}, or "member": null for
somebody who was deleted between the choice of the recipients and the sending.
"""

import json
import sys
import unicodedata
from datetime import date, timedelta
from random import Random

COUNT = 2000
CHANCE = Random(2009)

# One entry a language: share, name order, female first names, male first names, last names, cities.
# "Ελένη=eleni": the spelling after "=" is for the address; Latin names do without, the accents are taken off.
# "Novák/Nováková": a last name that has a male and a female form. "_" stands for a space inside a name.
GIVEN_FIRST, FAMILY_FIRST, FAMILY_FIRST_CLOSED = "given family", "family given", "familygiven"
LANGUAGES = {
    "en": (90, GIVEN_FIRST,
           "Amelia Charlotte Grace Imogen Maeve Nora Priya Siân Zoë Chloë Renée Harriet Beatrix Tamsin",
           "Alasdair Callum Desmond Ethan Geoffrey Isaac Malcolm Noah Rhys Theodore Winston Tobias Jeremiah Hugh",
           "O’Brien D'Angelo McAllister Okafor-Smith Hughes Featherstone Ashworth Whitlock O'Neill St._John Penrose "
           "Abernathy Thistlewood Nakamura-Jones Brontë Langford Quigley Sutherland Holloway Macnamara",
           "Leeds Cardiff Dunedin Halifax St._John’s Galway Hobart"),
    "ga": (25, GIVEN_FIRST,
           "Aoife Sadhbh Gráinne Róisín Caoimhe Éabha Síle Úna", "Pádraig Seán Tadhg Ciarán Oisín Diarmuid Séamus Eoghan",
           "Ó_Súilleabháin Mac_Cárthaigh Ó_Dálaigh Ní_Mháille Ó_Ceallaigh Mac_Giolla_Phádraig Ó_Conchúir Ó_Briain",
           "Gaillimh Corcaigh Luimneach Dún_na_nGall"),
    "de": (90, GIVEN_FIRST,
           "Käthe Annelore Jürgina Heike Ulrike Frauke Zoé Mareike Friederike Wiebke Anneliese Antje Rosa",
           "Jürgen Götz Björn Rüdiger Günther Hansjörg Matthäus Detlef Torsten Wolfgang Sönke Karl-Heinz Emil",
           "Müller Schäfer Groß Weiß Köhler Jäger Böhm Krüger von_der_Straße Süßmuth Lützow Größmann Öztürk Strauß "
           "Würth Häußler Bächtold Zimmermann-Löw Kühn Schrödter",
           "Köln München Zürich Düsseldorf Graz Görlitz Gießen"),
    "nl": (50, GIVEN_FIRST,
           "Anneke Floortje Noëlle Saskia Maaike Joëlle Wilhelmina Renske Daniëlle Geertje",
           "Joost Daniël Ruben Thijs Maarten Gijsbert Noël Wouter Sjoerd Coen",
           "de_Vries van_den_Berg ’t_Hart IJsselstein van_’t_Hoff Hoekstra Dijkgraaf van_der_Meij Coëlho ten_Böhmer "
           "Zwanenburg Schuurman Brouwer Kuijpers in_’t_Veld",
           "Utrecht ’s-Hertogenbosch Gent Groningen Oudenaarde IJmuiden"),
    "fr": (80, GIVEN_FIRST,
           "Chloé Zoé Aurélie Noémie Hélène Océane Maëlys Anaïs Solène Cécile Adèle Marie-Thérèse Maud",
           "François Jérôme Loïc Gaël Benoît Théo Raphaël Jean-Noël Cédric Hervé Aurélien Côme Étienne",
           "Lefèvre L’Hermitte d’Aubigné Bœuf Garçon Hénault Pétillon N’Diaye Châtelain Le_Goïc Béranger Guérin "
           "de_La_Tour Lemaître Crêpeau Lesœur Noël Besançon Ducœur Préfontaine",
           "Besançon Orléans Liège Québec Genève Saint-Étienne Nîmes"),
    "es": (85, GIVEN_FIRST,
           "Begoña Íñiga María_José Lucía Inés Sofía Ángeles Rocío Concepción Yolanda Ainhoa Itzel Nuria",
           "José_Ángel Íñigo Andrés Raúl Joaquín Martín Óscar Germán Adrián Nicolás Tomás Ulises Álvaro",
           "Muñoz Núñez_Ibáñez García_Lozano Peña Agüero Zúñiga Etxeberría Ordóñez Güell Yáñez Cárdenas Pérez_Gil "
           "Briceño Quiñones Sáenz Argüelles Montaño Bolaños Ávila_Ríos Castañeda",
           "Logroño Málaga Bogotá Mérida Asunción Córdoba A_Coruña"),
    "pt": (60, GIVEN_FIRST,
           "Conceição Inês Antônia Luísa Flávia Assunção Letícia Mônica Graça Júlia",
           "João Sebastião Antônio Luís Inácio Estêvão Rogério Caetano Fábio Simão",
           "Gonçalves Magalhães Simões Araújo Guimarães d’Ávila Brandão Falcão Conceição_dos_Santos Leão Patrício "
           "Lourenço Pinhão Sá_Carneiro Assumpção Queirós",
           "São_Paulo Coimbra Évora Maceió Guimarães Florianópolis"),
    "it": (50, GIVEN_FIRST,
           "Niccolina Aurora Zoë Beatrice Mariù Chiara Giosuè Desirée Ornella Fiammetta",
           "Niccolò Nicolò Giosuè Leonardo Mosè Raffaele Noè Tommaso Cosimo Ettore",
           "D’Annunzio Dell’Acqua Mancarò Cantù Foà Dall’Ò Bianchi Scarfò Sant’Elia Mulè Ferrajoli Cefalù Degl’Innocenti "
           "Zanghì Muscarà",
           "Forlì Cefalù Cantù L’Aquila Torino Bressanone"),
    "ro": (40, GIVEN_FIRST,
           "Ștefania Ruxandra Ilinca Anișoara Măriuca Ioana Brândușa Țuța", "Ștefan Răzvan Ionuț Mircea Bogdan Cătălin Ilie Dănuț",
           "Brâncuși Țepeș Dănilă Șerbănescu Bălan Pătrașcu Rădulescu Ciobanu Vlăduț Mănescu Iliescu Drăgan",
           "București Iași Timișoara Brașov Chișinău"),
    "pl": (70, GIVEN_FIRST,
           "Małgorzata Łucja Bożena Świętosława Grażyna Zofia Róża Elżbieta Agnieszka Żaneta",
           "Łukasz Paweł Michał Stanisław Błażej Sławomir Mścisław Jarosław Zbigniew Wawrzyniec",
           "Wiśniewski/Wiśniewska Dąbrowski/Dąbrowska Żółkiewski/Żółkiewska Wójcik Brzęczyszczykiewicz Kościuszko "
           "Szymański/Szymańska Gałązka Łęcki/Łęcka Ćwikliński/Ćwiklińska Zając Jabłoński/Jabłońska Świątek Gąsior",
           "Łódź Kraków Gdańsk Częstochowa Rzeszów Świnoujście"),
    "cs": (45, GIVEN_FIRST,
           "Božena Růžena Květa Žofie Anežka Eliška Ludmila Kateřina", "Jiří Ondřej Zdeněk Přemysl Tomáš Vojtěch Bořivoj Matěj",
           "Novák/Nováková Dvořák/Dvořáková Říha/Říhová Černý/Černá Kříž/Křížová Ševčík/Ševčíková Čapek/Čapková "
           "Růžička/Růžičková Šťastný/Šťastná Pokorný/Pokorná Žižka/Žižková Němec/Němcová",
           "Plzeň Brno České_Budějovice Olomouc Žďár"),
    "hu": (45, FAMILY_FIRST,
           "Zsófia Erzsébet Ágnes Csilla Enikő Örzse Tünde Réka", "Béla György Zoltán Csaba Előd Ödön Győző Sándor",
           "Kovács Szabó Őri Nagy Tóth Széchényi Ötvös Kőműves Gyűrű Jókai Fűzfa Vörösmarty",
           "Győr Pécs Debrecen Székesfehérvár Hódmezővásárhely"),
    "sv": (40, GIVEN_FIRST,
           "Åsa Märta Sigrid Pernilla Märit Linnéa Görel Ulla", "Göran Håkan Björn Åke Östen Sören Pär Nils",
           "Åkesson Sjögren Björklund Öberg Hägglöf Nordström Lindén Ekelöf Sandå Ängström Wallén Västerberg",
           "Malmö Göteborg Umeå Växjö Örebro"),
    "nb": (30, GIVEN_FIRST,
           "Bjørg Åse Ragnhild Sølvi Dagny Gunnvør Åshild Tuva", "Øyvind Håkon Bjørn Torbjørn Åge Sjur Øystein Lars",
           "Ødegård Bjørnson Håland Kjærstad Sørlie Ås Grønli Nygård Sæther Tønnesen Bråten Fjære",
           "Tromsø Ålesund Bodø Oslo"),
    "da": (25, GIVEN_FIRST,
           "Karen Bodil Søs Merethe Åse Gyrithe", "Søren Jørgen Bjarke Asger Åge Troels",
           "Ladegård Sørensen Ørsted Bjørnholm Kjær Nørgaard Lærke Skovmøller Aagård", "Aarhus Køge Ærøskøbing Rønne"),
    "fi": (40, GIVEN_FIRST,
           "Päivi Hilkka Mielikki Tuulikki Säde Kyllikki Aino Yrsa", "Väinö Jyrki Yrjö Pentti Pyry Heikki Jörn Onni",
           "Mäkelä Hämäläinen Äyräpää Järvinen Pöysti Sillanpää Hyvönen Lähdesmäki Öhman Kekkonen Vänskä Särkkä",
           "Jyväskylä Hämeenlinna Turku Äänekoski"),
    "et": (20, GIVEN_FIRST,
           "Õie Külli Maarja Ülle Pärja Õnne", "Jüri Priit Ülo Tõnis Märt Uku",
           "Põder Jõgi Tamm Käär Õunapuu Õispuu Rüütel Mägi Kõiv", "Tartu Pärnu Võru Jõhvi"),
    "lv": (20, GIVEN_FIRST,
           "Ilze Džeina Kristīne Zaiga Līga Skaidrīte", "Jānis Ģirts Kārlis Ēriks Rūdolfs Ņikita",
           "Bērziņš/Bērziņa Kalniņš/Kalniņa Ozoliņš/Ozoliņa Krūmiņš/Krūmiņa Liepa Žagars/Žagare Ķirsis/Ķirse Vējš/Vēja",
           "Rīga Jūrmala Cēsis Rēzekne"),
    "lt": (20, GIVEN_FIRST,
           "Živilė Ąžuolė Rūta Eglė Šarūnė Jūratė", "Žygimantas Šarūnas Jonas Ąžuolas Mindaugas Ričardas",
           "Kazlauskas/Kazlauskaitė Žukauskas/Žukauskienė Šimkus/Šimkutė Čiurlionis/Čiurlionytė Petrauskas/Petrauskienė "
           "Mažvydas/Mažvydaitė Ūselis/Ūselytė", "Šiauliai Klaipėda Panevėžys"),
    "is": (20, GIVEN_FIRST,
           "Þórunn Sigríður Guðrún Ásdís Bryndís Ragnheiður", "Þorsteinn Guðmundur Óðinn Snæbjörn Hafþór Ævar",
           "Jónsson/Jónsdóttir Þórðarson/Þórðardóttir Guðmundsson/Guðmundsdóttir Ævarsson/Ævarsdóttir Björnsson/Björnsdóttir "
           "Óskarsson/Óskarsdóttir Steinþórsson/Steinþórsdóttir",
           "Reykjavík Ísafjörður Húsavík Höfn"),
    "tr": (60, GIVEN_FIRST,
           "Ayşe Işıl Gülşah Çiğdem Şükran İpek Özlem Tuğba Nağme Ülkü", "İbrahim Çağrı Ömer Işık Uğur Şükrü İlhan Barış Gökçe Tarık",
           "Yılmaz Çelik Öztürk Şahin Işıklı Yıldırım Güneş Koç Doğan Kılıçdağ Aydın İnönü Çağlayan Ağaoğlu Türkoğlu",
           "İzmir Eskişehir Diyarbakır Muğla Çanakkale"),
    "hr": (35, GIVEN_FIRST,
           "Đurđa Željka Vesna Snježana Anđa Ružica", "Željko Krešimir Đuro Anđelko Šime Hrvoje",
           "Đorđić Šušnjić Horvat Čačić Žarković Mlađenović Krleža Ćosić Ivančić Škrinjarić Pavičić",
           "Šibenik Čakovec Poreč Đakovo"),
    "vi": (70, FAMILY_FIRST,
           "Thị_Minh_Anh Thị_Hồng_Nhung Thu_Hương Ngọc_Ánh Thị_Tuyết Bích_Phượng Quỳnh_Như Thanh_Thủy Mỹ_Duyên Kiều_Oanh",
           "Văn_Hùng Đức_Thắng Quốc_Việt Hữu_Phước Minh_Đạo Xuân_Trường Tiến_Dũng Công_Lý Bảo_Khánh Đình_Trọng",
           "Nguyễn Trần Lê Phạm Huỳnh Hoàng Võ Đặng Bùi Đỗ Hồ Ngô Dương Lý Trịnh",
           "Huế Đà_Nẵng Cần_Thơ Hải_Phòng Buôn_Ma_Thuột"),
    "yo": (30, GIVEN_FIRST,
           "Fúnmiláyọ̀ Títílayọ̀ Ọlábísí Adéọlá Ṣadé Àbẹ̀kẹ́ Mọ́rẹ̀nikẹ́", "Ọláoluwa Adébáyọ̀ Ṣẹ́gun Babátúndé Ọ̀ṣọ́ Kọ́ládé Túndé",
           "Ọbásanjọ́ Ṣóyínká Adéyẹmí Ògúnbọ̀wálé Akínṣẹ̀yẹ Fágbẹ́mi Ọ̀ṣúndáre Ìdòwú", "Ìbàdàn Ọ̀yọ́ Abẹ́òkúta Ilé-Ifẹ̀"),
    "id": (25, GIVEN_FIRST,
           "Siti_Aisyah Dewi Ni_Luh_Putu Ratna Cut_Nyak Ayu", "I_Wayan Budi Teuku Joko Gusti_Ngurah Raden_Mas",
           "Wijaya Sastrowardoyo Simanjuntak Pangestu Rahayu Hutagalung Suryadi Ma’ruf", "Bandung Yogyakarta Denpasar"),
    "el": (70, GIVEN_FIRST,
           "Ελένη=eleni Χρυσούλα=chrysoula Άννα=anna Ευαγγελία=evangelia Μαρία=maria Ιωάννα=ioanna Ζωή=zoi Δήμητρα=dimitra "
           "Ουρανία=ourania Σταυρούλα=stavroula",
           "Γιώργος=giorgos Ιωάννης=ioannis Κωνσταντίνος=kostas Δημήτρης=dimitris Σπύρος=spyros Παναγιώτης=panos "
           "Ηλίας=ilias Θανάσης=thanasis Άρης=aris Μάρκος=markos",
           "Παπαδόπουλος/Παπαδοπούλου=papadopoulos/papadopoulou Καραγιάννης/Καραγιάννη=karagiannis/karagianni "
           "Οικονόμου=oikonomou Γεωργίου=georgiou Νικολαΐδης/Νικολαΐδου=nikolaidis/nikolaidou Βλάχος/Βλάχου=vlachos/vlachou "
           "Αγγελόπουλος/Αγγελοπούλου=angelopoulos/angelopoulou Ξενάκης/Ξενάκη=xenakis/xenaki Θεοδώρου=theodorou "
           "Μαΐλης/Μαΐλη=mailis/maili Σαββίδης/Σαββίδου=savvidis/savvidou Ζέρβας/Ζέρβα=zervas/zerva",
           "Θεσσαλονίκη Πάτρα Ηράκλειο Λευκωσία"),
    "ru": (85, GIVEN_FIRST,
           "Анна=anna Екатерина=katya Людмила=ludmila Юлия=yulia Алёна=alyona Ольга=olga Зинаида=zina Фёкла=fyokla Яна=yana "
           "Дарья=darya",
           "Иван=ivan Алексей=alexey Пётр=pyotr Дмитрий=dmitry Артём=artyom Семён=semyon Юрий=yuri Фёдор=fedor Лев=lev "
           "Игорь=igor",
           "Соколов/Соколова=sokolov/sokolova Щербаков/Щербакова=shcherbakov/shcherbakova Муравьёв/Муравьёва=muravyov/muravyova "
           "Добровольский/Добровольская=dobrovolsky/dobrovolskaya Ёлкин/Ёлкина=yolkin/yolkina Крыжановский/Крыжановская=kryzh/kryzh "
           "Черных=chernykh Воробьёв/Воробьёва=vorobyov/vorobyova Цой=tsoi Рублёв/Рублёва=rublyov/rublyova "
           "Журавлёв/Журавлёва=zhuravlyov/zhuravlyova Быстров/Быстрова=bystrov/bystrova Подъячев/Подъячева=podyachev/podyacheva",
           "Казань Новосибирск Йошкар-Ола Орёл"),
    "uk": (55, GIVEN_FIRST,
           "Оксана=oksana Мар’яна=mariana Соломія=solomiia Наталія=nataliia Ївга=yivha Ганна=hanna Лідія=lidiia Зоряна=zoriana",
           "Тарас=taras Андрій=andrii Юрій=yurii В’ячеслав=viacheslav Ілля=illia Микола=mykola Остап=ostap Євген=yevhen",
           "Кравченко=kravchenko Дем’яненко=demianenko Ґудзенко=gudzenko Щур=shchur Лук’яненко=lukianenko Їжакевич=yizhakevych "
           "Ковальський/Ковальська=kovalskyi/kovalska Захарчук=zakharchuk Єрмоленко=yermolenko Прип’ятський/Прип’ятська=pryp/pryp",
           "Львів Київ Чернівці Кам’янець-Подільський"),
    "bg": (30, GIVEN_FIRST,
           "Цветелина=tsveti Ралица=ralitsa Йорданка=yordanka Магдалена=magi Стефка=stefka Бойка=boyka",
           "Георги=georgi Любомир=lubo Йордан=yordan Цветан=tsvetan Ивайло=ivaylo Щерьо=shteryo",
           "Димитров/Димитрова=dimitrov/dimitrova Стоянов/Стоянова=stoyanov/stoyanova Вълчев/Вълчева=valchev/valcheva "
           "Златарски/Златарска=zlatarski/zlatarska Дъбов/Дъбова=dabov/dabova Йовков/Йовкова=yovkov/yovkova "
           "Търновски/Търновска=tarnovski/tarnovska", "Пловдив Търново Варна"),
    "sr": (35, GIVEN_FIRST,
           "Јелена=jelena Љубица=ljubica Снежана=snezana Ђурђица=djurdjica Његослава=njegoslava Милица=milica",
           "Љубомир=ljubomir Ђорђе=djordje Џемал=dzemal Урош=uros Јован=jovan Здравко=zdravko",
           "Живковић=zivkovic Ђинђић=djindjic Његош=njegos Љубичић=ljubicic Чолић=colic Петровић=petrovic Шумадинац=sumadinac "
           "Јанковић=jankovic", "Ниш Крагујевац Нови_Сад"),
    "ar": (85, GIVEN_FIRST,
           "فاطمة=fatima عائشة=aisha نور=nour هبة_الله=heba سُعاد=suad لُبنى=lubna رانيا=rania مُنى=mona شيماء=shaimaa زينب=zainab",
           "محمد=mohamed عبد_الرحمن=abdelrahman يوسف=youssef خالد=khaled مُصطفى=mostafa طارق=tarek إبراهيم=ibrahim ياسين=yassin "
           "أحمد=ahmed زياد=ziad",
           "المصري=almasri الحدّاد=haddad بن_علي=benali السيّد=elsayed الشامي=alshami قبّاني=qabbani الطائي=altai "
           "أبو_زيد=abuzaid الهاشمي=alhashimi مراد=mourad بوعزيزي=bouazizi الخطيب=alkhatib خوري=khoury نصر_الله=nasr",
           "القاهرة الإسكندرية عمّان تونس مراكش صنعاء"),
    "fa": (45, GIVEN_FIRST,
           "شیرین=shirin زهرا=zahra مه‌لقا=mahlagha پروانه=parvaneh ژاله=zhaleh گلناز=golnaz نیلوفر=niloufar",
           "داریوش=dariush کیوان=keyvan امیرحسین=amir بهرام=bahram پژمان=pejman رضا=reza سیاوش=siavash",
           "رضایی=rezaei کوه‌پیما=kouhpeyma نجفی=najafi پورمحمد=pourmohammad گل‌محمدی=golmohammadi شجریان=shajarian "
           "یزدانی=yazdani چگینی=chegini ژیان=zhian",
           "اصفهان شیراز تبریز"),
    "ur": (30, GIVEN_FIRST,
           "عائشہ=ayesha ثناء=sana مہوش=mehwish زُبیدہ=zubaida گُل=gul ہُما=huma", "عمران=imran فیض=faiz بِلال=bilal ٹیپو=tipu شہزاد=shahzad قُرۃ=qurra",
           "قریشی=qureshi خان=khan بھٹی=bhatti چوہدری=chaudhry ڈار=dar میر=mir گیلانی=gilani صدّیقی=siddiqui",
           "لاہور کراچی پشاور"),
    "he": (60, GIVEN_FIRST,
           "נועה=noa שִׁירָה=shira יעל=yael תמר=tamar חיה=haya מִרְיָם=miriam רות=ruth אֵסְתֵר=esther",
           "דוד=david יוסף=yosef אֲרִיאֵל=ariel צבי=zvi נועם=noam יצחק=itzhak אליהו=eli ג׳ורג׳=george",
           "כהן=cohen לוי=levi בן־דוד=bendavid שפירא=shapira פרץ=peretz מזרחי=mizrahi צ׳רניחובסקי=tchernichovsky אבן־עזרא=ibnezra "
           "גולדברג=goldberg חזן=hazan עמיחי=amichai", "חיפה ירושלים תל־אביב באר־שבע"),
    "hi": (90, GIVEN_FIRST,
           "प्रियंका=priyanka लक्ष्मी=lakshmi श्रेया=shreya ज्योति=jyoti कृष्णा=krishna स्मृति=smriti अंजलि=anjali दीप्ति=deepti ऋचा=richa मंजूषा=manjusha",
           "राहुल=rahul विक्रम=vikram श्याम=shyam ऋषि=rishi ओमप्रकाश=om सिद्धार्थ=siddharth मुकेश=mukesh ज्ञानेश=gyanesh हर्षवर्धन=harsh बृजेश=brijesh",
           "शर्मा=sharma त्रिपाठी=tripathi सिंह=singh द्विवेदी=dwivedi मिश्रा=mishra श्रीवास्तव=srivastava चतुर्वेदी=chaturvedi गुप्ता=gupta "
           "ठाकुर=thakur पाण्डेय=pandey जोशी=joshi क्षत्रिय=kshatriya", "वाराणसी लखनऊ दिल्ली इंदौर"),
    "bn": (55, GIVEN_FIRST,
           "অনুষ্কা=anushka শ্রেয়া=shreya তৃষ্ণা=trishna নন্দিনী=nandini ফারজানা=farzana ঋতুপর্ণা=rituparna মৌসুমী=moushumi রুমানা=rumana",
           "সৌরভ=sourav অমর্ত্য=amartya হৃদয়=hridoy সুমন=suman রফিকুল=rafiqul জ্যোতির্ময়=jyotirmoy কৌশিক=koushik আব্দুল্লাহ=abdullah",
           "চট্টোপাধ্যায়=chatterjee বন্দ্যোপাধ্যায়=banerjee রায়=ray ভট্টাচার্য=bhattacharya হোসেন=hossain চৌধুরী=chowdhury সেনগুপ্ত=sengupta ইসলাম=islam দাশ=das",
           "ঢাকা কলকাতা চট্টগ্রাম"),
    "ta": (50, GIVEN_FIRST,
           "மீனாட்சி=meenakshi செல்வி=selvi கண்ணகி=kannagi தமிழ்ச்செல்வி=tamilselvi அழகி=azhagi பூங்கொடி=poongodi ஸ்ரீதேவி=sridevi",
           "முருகன்=murugan கார்த்திக்=karthik அறிவழகன்=arivazhagan செந்தில்=senthil இளங்கோ=ilango வேலுப்பிள்ளை=velu கதிரவன்=kathir",
           "சுப்பிரமணியன்=subramanian இராமசாமி=ramasamy பழனிச்சாமி=palaniswamy கிருஷ்ணமூர்த்தி=krishnamurthy அண்ணாமலை=annamalai "
           "சிவகுமார்=sivakumar நடராஜன்=natarajan பெரியசாமி=periyasamy", "மதுரை சென்னை யாழ்ப்பாணம்"),
    "te": (25, GIVEN_FIRST,
           "లక్ష్మి=lakshmi శ్రావణి=sravani పద్మావతి=padma స్వాతి=swathi", "వెంకటేశ్=venkatesh కృష్ణ=krishna రాఘవ=raghava సూర్య=surya",
           "రెడ్డి=reddy నాయుడు=naidu శాస్త్రి=sastry చౌదరి=chowdary రాజు=raju కొండపల్లి=kondapalli", "హైదరాబాద్ విజయవాడ గుంటూరు"),
    "th": (55, GIVEN_FIRST,
           "สมหญิง=somying กุลธิดา=kulthida น้ำฝน=namfon วิไลลักษณ์=wilailak ปิ่นแก้ว=pinkaew ศิริพร=siriporn ณัฐฐา=nattha",
           "สมชาย=somchai ธนวัฒน์=thanawat เกียรติศักดิ์=kiattisak ณรงค์=narong พงษ์พัฒน์=pongpat ชัยวัฒน์=chaiwat อนุสรณ์=anusorn",
           "ศรีสุข=srisuk วงศ์สวัสดิ์=wongsawat ทองดี=thongdee เจริญสุข=charoensuk รัตนพันธุ์=rattanaphan ปัญญาดี=panyadee กิตติขจร=kittikachorn น้อยเจริญ=noicharoen",
           "เชียงใหม่ กรุงเทพฯ ขอนแก่น"),
    "ka": (40, GIVEN_FIRST,
           "ნინო=nino თამარ=tamar ქეთევან=ketevan მზექალა=mzekala ნანა=nana ეკატერინე=eka",
           "გიორგი=giorgi დავით=davit ლევან=levan ზურაბ=zurab ვახტანგ=vakhtang შოთა=shota",
           "ბერიძე=beridze მამულაშვილი=mamulashvili კვარაცხელია=kvaratskhelia წერეთელი=tsereteli ჯავახიშვილი=javakhishvili გაფრინდაშვილი=gaprindashvili ჭავჭავაძე=chavchavadze ყიფიანი=kipiani",
           "თბილისი ქუთაისი ბათუმი"),
    "hy": (40, GIVEN_FIRST,
           "Անահիտ=anahit Նարինե=narine Սիրուշ=sirush Լուսինե=lusine Արփինե=arpine Շուշանիկ=shushanik",
           "Արամ=aram Հովհաննես=hovhannes Տիգրան=tigran Վարդան=vardan Գևորգ=gevorg Ծատուր=tsatur",
           "Հակոբյան=hakobyan Սարգսյան=sargsyan Խաչատրյան=khachatryan Տեր-Պետրոսյան=terpetrosyan Մկրտչյան=mkrtchyan Ղազարյան=ghazaryan Չարենց=charents",
           "Երևան Գյումրի Վանաձոր"),
    "am": (40, GIVEN_FIRST,
           "ሀና=hana ትዕግስት=tigist ብርቱካን=birtukan ጽጌ=tsige መዓዛ=meaza ቤተልሔም=betelhem እቴነሽ=etenesh",
           "አበበ=abebe ኃይለ=haile ተስፋዬ=tesfaye ጥላሁን=tilahun ዮሐንስ=yohannes ግርማ=girma ፍቅሩ=fikru",
           "በቀለ=bekele ገብረመድኅን=gebremedhin መንግሥቱ=mengistu ወልደማርያም=woldemariam ታደሰ=tadesse ዘውዴ=zewde ጸጋዬ=tsegaye ኪዳኔ=kidane",
           "አዲስ_አበባ ጎንደር ባሕር_ዳር"),
    "zh": (95, FAMILY_FIRST_CLOSED,
           "秀英=xiuying 丽=li 婷婷=tingting 雪梅=xuemei 晓燕=xiaoyan 诗涵=shihan 思思=sisi 玉兰=yulan 凤霞=fengxia 若曦=ruoxi",
           "伟=wei 建国=jianguo 志强=zhiqiang 浩然=haoran 宇轩=yuxuan 海涛=haitao 文博=wenbo 龙=long 明远=mingyuan 一鸣=yiming",
           "王=wang 李=li 张=zhang 刘=liu 陈=chen 欧阳=ouyang 赵=zhao 司马=sima 诸葛=zhuge 黄=huang 吕=lv 郑=zheng 谢=xie 龚=gong 冯=feng 𬀩=wei2",
           "成都 西安 哈尔滨 深圳 乌鲁木齐"),
    "zh-TW": (35, FAMILY_FIRST_CLOSED,
              "淑芬=shufen 雅婷=yating 怡君=yijun 美惠=meihui 宜蓁=yizhen 麗華=lihua",
              "志明=zhiming 俊傑=junjie 冠宇=guanyu 家豪=jiahao 國棟=guodong 聰=cong",
              "蔡=tsai 許=hsu 鄭=cheng 謝=hsieh 蕭=hsiao 羅=lo 顏=yen 歐陽=ouyang 龔=kung 魏=wei", "臺北 臺中 高雄 香港"),
    "ja": (90, FAMILY_FIRST,
           "花子=hanako さくら=sakura 美咲=misaki 陽菜=hina かおり=kaori 由紀子=yukiko 凛=rin エミリー=emily 葵=aoi 千尋=chihiro",
           "太郎=taro 健太=kenta 翔=sho 大輔=daisuke 一郎=ichiro 蓮=ren 直樹=naoki ケンジ=kenji 優斗=yuto 龍之介=ryunosuke",
           "田中=tanaka 佐々木=sasaki 髙橋=takahashi 渡邊=watanabe 齋藤=saito 山﨑=yamazaki 𠮷田=yoshida 小鳥遊=takanashi 中村=nakamura "
           "森=mori 五十嵐=igarashi 長谷川=hasegawa 東海林=shoji 勅使河原=teshigawara",
           "京都 札幌 那覇 横浜 つくば"),
    "ko": (80, FAMILY_FIRST_CLOSED,
           "서연=seoyeon 민지=minji 지우=jiwoo 하은=haeun 수빈=subin 영희=younghee 은정=eunjeong 다혜=dahye 꽃님=kkotnim 봄=bom",
           "민준=minjun 철수=chulsoo 동현=donghyun 재석=jaesuk 성훈=sunghoon 준호=junho 태양=taeyang 현우=hyunwoo 빛=bit 원빈=wonbin",
           "김=kim 이=lee 박=park 최=choi 정=jung 강=kang 조=cho 윤=yoon 남궁=namgoong 선우=sunwoo 황보=hwangbo 임=lim 한=han 제갈=jegal",
           "서울 부산 전주 제주"),
}

GROUPS = ["Repair café", "Book circle", "Choir · Хор · Χορωδία", "Night photography 🌃", "Slow cycling", "Sourdough & Brot",
          "Чайная комната", "नए सदस्य", "俳句と川柳", "Jardin partagé", "שחמט", "خط عربي", "Open source Łódź", "한글 서예",
          "Parents’ evening", "Radio amateurs 73"]

DOMAINS = ["example.org"] * 5 + ["example.com"] * 5 + ["example.net"] * 4 + [
    "mail.example.org", "post.example", "correo.example", "posta.example", "staff.example.com", "alumni.example.net",
    "bibliotheek.example", "xn--bcher-kva.example", "choir.example", "atelier.example", "kooperative.example"]

# Names that no table produces, each with the reason why it is here.
SPECIAL = [
    ("Zoe\u0308 Lefe\u0300vre", "zoe.nfd", "fr", "Besanc\u0327on"),                   # decomposed: e + U+0308
    ("Nguye\u0302\u0303n Thi\u0323 Ha\u0302n", "nt.han", "vi", "Huế"),                # two marks on one letter
    ("A\u030angstro\u0308m, Sjo\u0308fn", "sjofn", "is", "Höfn"),                     # decomposed, with a comma
    ("Robert \"Bob\" Großmann", "bob.grossmann", "de", "Gießen"),                     # quotation marks in a display name
    ("Müller, Anna (Vorstand)", "vorstand", "de", "Köln"),                            # comma and brackets
    ("C:\\Users\\María", "maria.backslash", "es", "Mérida"),                          # backslashes
    ("Hester Null", "hester.null", "en", "Leeds"),                                # not null
    ("NaN-Yu Wu", "nanyu", "zh-TW", "臺北"),
    ("D’Arcy O’Shaughnessy-N’Golo", "darcy", "en", "Galway"),
    ("Ng'ang'a wa Thiong'o", "nganga", "en", "Nairobi"),
    ("Sukarti", "sukarti", "id", "Yogyakarta"),                                       # one name is a whole name
    ("Ib Ø", "ib.o", "da", "Køge"),
    ("Maria Antônia Joaquina da Conceição Simões Araújo Guimarães Sá Lourenço de Magalhães Brandão e Queirós",
     "maria.queiros", "pt", "São Paulo"),                                               # must be folded more than once
    ("หม่อมราชวงศ์เสนีย์ศักดิ์พิพัฒน์พงศ์ธนาธิปไตยวรรณวงศ์ราชวราภรณ์", "mr.seni", "th", "กรุงเทพฯ"),             # long, and without a space
    ("Luna 🌙", "luna.moon", "es", "Málaga"),
    ("👩🏽‍🚀 Ama", "ama.astronaut", "en", "Halifax"),                                     # skin tone and joiner
    ("Familie 👨‍👩‍👧‍👦 Köhler", "familie.koehler", "de", "Graz"),                           # four people, one grapheme
    ("Yuki 🏳️‍🌈", "yuki.rainbow", "ja", "札幌"),
    ("🇺🇦 Оксана", "oksana.flag", "uk", "Київ"),                                      # regional indicators
    ("1️⃣ Ана", "ana.keycap", "sr", "Ниш"),
    ("𝓑𝓮𝓽𝓱 𝕾𝖙𝖔𝖓𝖊", "beth.stone", "en", "Cardiff"),                                     # letters outside the BMP
    ("𠮷野家 𩸽", "yoshinoya", "ja", "横浜"),
    ("מִרְיָם O’Neill", "miriam.oneill", "he", "חיפה"),                                 # both directions in one name
    ("Dana دانا", "dana.two", "fa", "شیراز"),
    ("\u200fأحمد (أبو نور)\u200f", "abu.nour", "ar", "عمّان"),                         # right-to-left marks
    ("می‌خواهم‌پور", "mikhahampour", "fa", "تبریز"),                                   # zero-width non-joiners
    ("ශ්‍රීමාලි ද සිල්වා", "shrimali", "en", "කොළඹ"),                                    # Sinhala with a joiner
    ("မောင်မောင် ဝင်း", "maung.win", "en", "ရန်ကုန်"),                                    # Burmese
    ("ហ៊ុន សុខា", "sokha", "fr", "ភ្នំពេញ"),                                              # Khmer
    ("བསྟན་འཛིན་", "tenzin", "hi", "ལྷ་ས་"),                                             # Tibetan
    ("ᏌᎶᎵ Rogers", "saloli", "en", "Tahlequah"),                                  # Cherokee
    ("ⵜⵉⵏⵀⵉⵏⴰⵏ", "tinhinan", "fr", "ⵜⵉⵣⵉ ⵡⵣⵣⵓ"),                                       # Tifinagh
    ("Бат-Эрдэнэ Цэцэгмаа", "tsetsegmaa", "ru", "Улаанбаатар"),
    ("גיטל בת שׂרה", "gitl", "he", "ירושלים"),                                         # a letter with two forms
    ("İlkıŞ Iğdır", "ilkis", "tr", "Iğdır"),                                          # dotted and dotless i
    ("ﬁona ﬂynn", "fiona.ligature", "en", "Galway"),                                  # ligatures must not be "repaired"
    ("Ｍｏｍｏｋｏ 桃子", "momoko", "ja", "那覇"),                                           # full-width letters
    ("ﾊﾝｶｸ ｶﾅ", "hankaku", "ja", "京都"),                                              # half-width kana
    ("Anne\u00a0Marie L’Œuf", "anne.marie", "fr", "Liège"),                           # a no-break space
    ("=Karl= ?Groß?", "karl.gross", "de", "Köln"),                                    # the signs RFC 2047 uses
    ("Ẑ̈ôé ʻŌiwi", "zoe.oiwi", "en", "Hawaiʻi"),
    # Pasted from a PDF with its U+2028: a reader that splits at every Unicode line break makes two broken jobs of it.
    ("Mercè Rovira", "merce.rovira", "es", "Plaça del Sol\u2028Barcelona"),
]

LATIN = str.maketrans({"ß": "ss", "ø": "o", "Ø": "o", "ł": "l", "Ł": "l", "đ": "d", "Đ": "d", "ı": "i", "æ": "ae", "Æ": "ae",
                       "þ": "th", "Þ": "th", "ð": "d", "Ð": "d", "œ": "oe", "Œ": "oe"})


def pick(items):
    return items[int(CHANCE.random() * len(items))]


def ascii_name(text):
    """`Þórunn` → `thorunn`: what somebody would type into an address."""
    plain = unicodedata.normalize("NFKD", text.translate(LATIN))
    return "".join(c for c in plain.lower() if c.isascii() and c.isalnum())


def native_and_latin(entry, female):
    """`Соколов/Соколова=sokolov/sokolova` → the form for her or for him, and how it is written in an address."""
    native, _, latin = entry.partition("=")
    form = lambda text: text.split("/")[-1 if female else 0]
    native = form(native).replace("_", " ")
    return native, form(latin) if latin else ascii_name(native)


def local_part(first, last, joined):
    year = joined.year - 18 - int(CHANCE.random() * 40)
    return pick([f"{first}.{last}", f"{first}.{last}", f"{first[0]}.{last}", f"{first}{last}", f"{last}.{first}",
                 f"{first}_{last}", f"{first}{year}", f"{last}{year % 100:02}", f"{first}.{last}+news"])


def unique_address(local, taken):
    domain = pick(DOMAINS)
    address, number = f"{local}@{domain}", 1
    while address in taken:
        number += 1
        address = f"{local}{number}@{domain}"
    taken.add(address)
    return address


def member(name, mail, language, city, joined):
    groups = [g for g in GROUPS if CHANCE.random() < 0.14] or [pick(GROUPS)]
    return {"name": name, "mail": mail, "language": language, "city": city, "joined": joined.isoformat(), "groups": groups}


def join_date():
    return date(2009, 3, 1) + timedelta(days=int(CHANCE.random() * 6200))


def ordinary_members(count, taken):
    weighted = [code for code, entry in LANGUAGES.items() for _ in range(entry[0])]
    names = set()
    while len(names) < count:
        code = pick(weighted)
        _, order, women, men, families, cities = LANGUAGES[code]
        female = CHANCE.random() < 0.5
        given, given_latin = native_and_latin(pick((women if female else men).split()), female)
        family, family_latin = native_and_latin(pick(families.split()), female)
        name = {GIVEN_FIRST: f"{given} {family}", FAMILY_FIRST: f"{family} {given}",
                FAMILY_FIRST_CLOSED: family + given}[order]
        if name in names:
            continue
        names.add(name)
        joined = join_date()
        mail = unique_address(local_part(given_latin, family_latin, joined), taken)
        yield member(name, mail, code, pick(cities.split()).replace("_", " "), joined)


def invalid_members():
    """Twelve rows as every old database has them. Each ends in a fatal error of the handler."""
    deleted = None
    no_key = member("Þórunn Óskarsdóttir", "", "is", "Húsavík", join_date())
    del no_key["mail"]
    yield deleted
    yield no_key
    yield member("Benoît N’Diaye", None, "fr", "Orléans", join_date())
    yield member("மீனாட்சி நடராஜன்", "", "ta", "மதுரை", join_date())
    yield deleted
    yield member("Jürgen\nHäußler", "juergen.haeussler@example.org", "de", "Gießen", join_date())
    yield member("Σπύρος Ζέρβας\r\n", "s.zervas@post.example", "el", "Πάτρα", join_date())
    yield member("Łucja\u0000Gałązka", "lucja.galazka@example.net", "pl", "Łódź", join_date())
    yield member("山﨑 翔\u0000\u0000\u0000", "sho.yamazaki@example.com", "ja", "つくば", join_date())
    # Header injection: with the line break let through, this mail would go to a whole list.
    yield member("Prize Desk", "winner@example.net\r\nBcc: everyone@example.org", "en", "Leeds", join_date())
    yield member("Ольга Черных", "olga.chernykh@example.com\nSubject: ВЫ ВЫИГРАЛИ", "ru", "Орёл", join_date())
    yield deleted


def main():
    taken = set()
    rows = [member(name, unique_address(local, taken), language, city, join_date())
            for name, local, language, city in SPECIAL]
    invalid = list(invalid_members())
    rows += ordinary_members(COUNT - len(rows) - len(invalid), taken)
    for i in range(len(rows) - 1, 0, -1):  # Fisher and Yates
        j = int(CHANCE.random() * (i + 1))
        rows[i], rows[j] = rows[j], rows[i]
    for i, row in enumerate(invalid):  # spread over the file, so that each meets healthy neighbours
        rows.insert(60 + i * 163 + int(CHANCE.random() * 40), row)

    identifier = 1000
    for row in rows:
        identifier += 1 + int(CHANCE.random() * CHANCE.random() * 9)  # gaps: members leave
        line = json.dumps({"id": identifier, "member": row}, ensure_ascii=False, separators=(",", ":"))
        sys.stdout.buffer.write(line.encode("utf-8") + b"\n")


main()
